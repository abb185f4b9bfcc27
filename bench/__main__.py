"""``python -m bench``: list the benchmarks, or run those that are named (``all`` runs every one)."""

import importlib
import pkgutil
import sys

import bench


def discover() -> dict[str, str]:
    """The benchmarks' names and what they measure: every module of this folder that has a ``main()``."""
    found = {}
    for module in pkgutil.iter_modules(bench.__path__):
        if not module.name.startswith("_"):
            loaded = importlib.import_module(f"bench.{module.name}")
            if hasattr(loaded, "main"):
                found[module.name] = (loaded.__doc__ or "").partition("\n")[0]
    return found


def run(arguments: list[str]) -> int:
    """Run the named benchmarks, or list them all; the exit status is returned."""
    known = discover()
    if not arguments:
        print("usage: python -m bench NAME... | all\n")
        print("\n".join(f"  {name:<12} {purpose}" for name, purpose in known.items()))
        return 0
    names = list(known) if arguments == ["all"] else arguments
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)}", file=sys.stderr)
        return 2
    status = 0
    for name in names:
        print(f"== {name}: {known[name]}")
        status |= int(importlib.import_module(f"bench.{name}").main() or 0)
    return status


sys.exit(run(sys.argv[1:]))
