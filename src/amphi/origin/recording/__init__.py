"""Keeps what publishers send in files, for replays (`amphi.system.recordings` is their format). Nothing here waits for a disk on the event loop."""
