"""What can be wrong with recordings that are to become a file.

::

    MovieError
"""


class MovieError(Exception):
    """What was recorded can't be read; the message says why."""
