"""Migrates the demo's database and fills it.

    python -m amphi.demo.database

A process of its own, so that the demo's process need not load Django. ``AMPHI_DEMO_SEED`` describes the demo, as JSON.
"""

import importlib
import json
import os
import sys

import django
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from amphi.system.terminal import say

MIGRATED = "migrated\n"
"""The line after which web and worker may start: they need the tables, but not their content."""


def _is_of_another_version() -> bool:
    """Whether the database has migrations that this version does not know."""
    loader = MigrationLoader(connection)
    return any(
        app in {"live", *(one.label for one in apps.get_app_configs() if one.name.startswith("amphi."))}
        and (app, name) not in loader.disk_migrations
        for app, name in loader.applied_migrations
    )


def main() -> int:
    """Migrate, print `MIGRATED`, and fill the database."""
    layout = json.loads(os.environ["AMPHI_DEMO_SEED"])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amphi.settings")
    django.setup()
    if _is_of_another_version():
        sys.stderr.write(
            say(
                en="These data were made by another version of Amphi, whose tables differ. Nothing was changed. "
                "Start afresh with: make clean demo",
                fr="Ces données viennent d’une autre version d’Amphi, dont les tables diffèrent. Rien n’a été modifié. "
                "Repartez de zéro avec : make clean demo",
            )
            + "\n"
        )
        return 1
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
