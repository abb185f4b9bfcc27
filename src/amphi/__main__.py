"""``python -m amphi`` is ``amphi``."""

import sys

from amphi.cli import main

sys.exit(main())
