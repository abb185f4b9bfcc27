"""An index of the webinars that run."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("webinars", "0002_another_gateway")]

    operations = [
        migrations.AddIndex(
            model_name="livestream",
            index=models.Index(
                condition=models.Q(("state__in", ["live", "recovering", "starting", "stopping"])),
                fields=["gateway"],
                name="livestream_running",
            ),
        ),
    ]
