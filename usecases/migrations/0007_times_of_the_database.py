import rvm.platform.encryption.fields
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('usecases', '0006_credentials_version'),
    ]

    operations = [
        migrations.AlterField(
            model_name='telephonysetup',
            name='updated_at',
            field=rvm.platform.encryption.fields.UpdatedAtField(editable=False),
        ),
        migrations.AlterField(
            model_name='usecase',
            name='updated_at',
            field=rvm.platform.encryption.fields.UpdatedAtField(editable=False),
        ),
    ]
