from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('delivery', '0015_drops_keep_the_credentials_version'),
    ]

    operations = [
        migrations.AlterField(
            model_name='drop',
            name='number',
            field=models.PositiveIntegerField(help_text='1 for the first attempt.'),
        ),
        migrations.AlterField(
            model_name='drop',
            name='checks',
            field=models.PositiveIntegerField(default=0, help_text='Times the carrier was asked about it.'),
        ),
        migrations.AlterField(
            model_name='voicemail',
            name='attempts',
            field=models.PositiveIntegerField(default=0, help_text='Drops that were made.'),
        ),
    ]
