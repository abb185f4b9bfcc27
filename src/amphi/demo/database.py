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
from django.db.migrations.state import StateApps

from amphi.system.terminal import say

MIGRATED = "migrated\n"
"""The line after which web and worker may start: they need the tables, but not their content."""


def is_of_another_version() -> bool:
    """Whether the database was made by another version: it has migrations that this one does not know, or other columns.

    A migration that was edited after it had been applied leaves the old columns, under the same name as the new ones. So the tables are
    compared with what the applied migrations say now.
    """
    loader = MigrationLoader(connection)
    applied = {key for key in loader.applied_migrations if key[0] in _our_labels()}
    if not applied <= set(loader.disk_migrations):
        return True
    return _differs(loader.project_state([key for key in applied if key in loader.graph.nodes]).apps)


def _our_labels() -> set[str]:
    """Our apps, and ``live``, which an early version had."""
    return {"live", *(one.label for one in apps.get_app_configs() if one.name.startswith("amphi."))}


def _differs(applied: StateApps) -> bool:
    """Whether a table of ours is missing or has other columns than its model."""
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
        for model in applied.get_models(include_auto_created=True):
            options = model._meta  # noqa: SLF001 -- Django's documented interface
            if options.app_label not in _our_labels():
                continue
            if options.db_table not in tables:
                return True
            rows = connection.introspection.get_table_description(cursor, options.db_table)
            if {row.name for row in rows} != {field.column for field in options.local_concrete_fields}:
                return True
    return False


def main() -> int:
    """Migrate, print `MIGRATED`, and fill the database."""
    layout = json.loads(os.environ["AMPHI_DEMO_SEED"])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amphi.settings")
    django.setup()
    if is_of_another_version():
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
    seed = importlib.import_module("amphi.demo.seed")  # it needs Django to be set up
    seed.remove_alive()
    sys.stdout.write(MIGRATED)
    sys.stdout.flush()
    seed.fill_accounts(layout["passwords"], new=layout["new_passwords"])
    seed.fill_gateways(layout["streams"], layout["gateway_url"], layout["gateway_token"])
    seed.fill_webinars()
    return 0


if __name__ == "__main__":
    sys.exit(main())
