from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("webinars", "0002_livestream_request_id"),
    ]

    operations = [
        migrations.AddField(
            model_name="livestream",
            name="media_target_s",
            field=models.PositiveSmallIntegerField(editable=False, null=True),
        ),
    ]
