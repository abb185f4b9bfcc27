"""The whole platform on one machine, for trying it: starts every part, and keeps its data in ``var/``."""
