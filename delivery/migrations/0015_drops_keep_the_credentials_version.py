from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('delivery', '0014_vacuum_by_the_day'),
        ('platform', '0002_campaign_scopes'),
        ('usecases', '0006_credentials_version'),
    ]

    operations = [
        migrations.AddField(
            model_name='drop',
            name='credentials_version',
            field=models.PositiveIntegerField(help_text="The setup's, with which its request was made; it is given to the carrier again under no other.", null=True),
        ),
        migrations.AddIndex(
            model_name='drop',
            index=models.Index(condition=models.Q(('status', 'uncertain')), fields=['setup', 'due_at'], name='drop_unsettled'),
        ),
    ]
