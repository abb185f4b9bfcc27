"""The whole platform on one machine, to try it: every part embedded, data in ``var/``."""
