"""The name of a viewer in tables, the same as in tickets: ``u<user's id>`` or ``a<browser's name>``."""

VIEWER_LENGTH = 40
