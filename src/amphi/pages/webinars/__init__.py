"""The panel of a webinar, the join page of gateways, and the webhooks and callbacks of other systems."""
