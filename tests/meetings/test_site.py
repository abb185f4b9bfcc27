"""The site has the platform's name from the first day."""

import importlib

import pytest
from django.apps import apps
from django.contrib.sites.models import Site

migration = importlib.import_module("amphi.meetings.migrations.0002_site_name")


@pytest.mark.parametrize("before", [None, "example.com", "tv.univ.fr"])
def test_site_is_named_as_people_reach_it(db, settings, before):
    settings.AMPHI_URL = "https://amphi.univ.fr"
    Site.objects.all().delete()
    if before:
        Site.objects.create(domain=before, name=before)
    migration.name_the_site(apps, None)
    expected = before if before == "tv.univ.fr" else "amphi.univ.fr"
    assert list(Site.objects.values_list("domain", "name")) == [(expected, expected)]


def test_first_site_is_that_of_the_settings(db, settings):
    assert Site.objects.get().pk == settings.SITE_ID
