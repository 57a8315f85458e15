import rvm.platform.encryption.fields
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0003_sheets_of_workbooks'),
    ]

    operations = [
        migrations.AlterField(
            model_name='campaign',
            name='updated_at',
            field=rvm.platform.encryption.fields.UpdatedAtField(editable=False),
        ),
        migrations.AlterField(
            model_name='recipientimport',
            name='updated_at',
            field=rvm.platform.encryption.fields.UpdatedAtField(editable=False),
        ),
    ]
