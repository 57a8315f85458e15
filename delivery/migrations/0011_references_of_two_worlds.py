from django.db import migrations, models

# Of the references that there are, most are live ones'.
_OF_TEST = """
UPDATE delivery_voicemailreference r SET live = false FROM delivery_voicemail v WHERE v.id = r.voicemail_id AND NOT v.live
"""
_LIVE_ONLY = "DELETE FROM delivery_voicemailreference WHERE NOT live"


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0010_reports_of_people"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="voicemailreference", name="delivery_reference_once"),
        migrations.AddField(
            model_name="voicemailreference",
            name="live",
            field=models.BooleanField(default=True, help_text="As the voicemail is."),
            preserve_default=False,
        ),
        migrations.RunSQL(_OF_TEST, _LIVE_ONLY),
        migrations.AddConstraint(
            model_name="voicemailreference",
            constraint=models.UniqueConstraint(
                fields=("workspace", "reference", "live"), name="delivery_reference_once"
            ),
        ),
    ]
