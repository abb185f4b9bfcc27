"""How the tables name a viewer: as tickets do, ``u<user's key>`` or ``a<browser's name>``."""

VIEWER_LENGTH = 40
