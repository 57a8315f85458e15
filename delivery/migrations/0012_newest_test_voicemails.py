from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0011_references_of_two_worlds"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="voicemail",
            index=models.Index(
                condition=models.Q(("live", False)), fields=["workspace", "-id"], name="voicemail_newest_test"
            ),
        ),
    ]
