"""How often a server looks for objects that only hold each other."""

import gc

NEW_OBJECTS = 20_000
"""After so many new objects garbage is looked for. Python's own 700 come with every twelfth stream of events."""


def look_seldom() -> None:
    """What is loaded by now stays: don't look through it again and again. Call this before the server serves."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)
