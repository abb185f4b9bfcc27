from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("webinars", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="livestream",
            name="request_id",
            field=models.CharField(blank=True, default="", editable=False, max_length=32),
        ),
    ]
