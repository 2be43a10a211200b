import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("connectors", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="TurnRow",
            fields=[
                (
                    "connector",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="turn_row",
                        serialize=False,
                        to="connectors.connector",
                    ),
                ),
                ("free_at", models.DateTimeField()),
            ],
        ),
    ]
