"""Several machines: hosts in network namespaces, far from each other, of which one is parted from the network: `python -m tests.reliability.machines`."""
