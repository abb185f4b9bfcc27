from urllib.parse import urlsplit

from django.conf import settings
from django.db import migrations


def name_the_site(apps, schema_editor):
    """Name the one site as people reach it; Django would call it example.com."""
    sites = apps.get_model("sites", "Site").objects
    name = urlsplit(settings.AMPHI_URL).netloc
    if not sites.exists():
        sites.create(domain=name, name=name[:50])
    else:
        sites.filter(domain="example.com").update(domain=name, name=name[:50])


class Migration(migrations.Migration):
    dependencies = [
        ("meetings", "0001_initial"),
        ("sites", "0002_alter_domain_unique"),
    ]
    operations = [migrations.RunPython(name_the_site, migrations.RunPython.noop)]
