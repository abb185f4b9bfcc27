"""Captions: from whoever tells what is said, to the listeners' pages and the replay."""
