"""Brings the demo's database up to date and fills it.

    python -m amphi.demo.database

A process of its own, so that the demo itself stays small; the demo describes itself in ``AMPHI_DEMO_SEED``, as JSON.
"""

import importlib
import json
import os
import sys

import django
from django.core.management import call_command

MIGRATED = "migrated\n"
"""The line that lets web and worker start: they need the tables and nothing of what follows."""


def main() -> int:
    """Migrate, say so, and fill."""
    layout = json.loads(os.environ["AMPHI_DEMO_SEED"])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amphi.settings")
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    sys.stdout.write(MIGRATED)
    sys.stdout.flush()
    seed = importlib.import_module("amphi.demo.seed")  # it needs Django to be set up
    seed.fill_accounts(layout["passwords"], new=layout["new_passwords"])
    seed.fill_gateways(layout["streams"], layout["gateway_url"], layout["gateway_token"])
    seed.fill_webinar()
    return 0


if __name__ == "__main__":
    sys.exit(main())
