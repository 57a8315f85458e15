from django.db import migrations, models

# In the database, so that whoever writes the credentials raises the version, in the same statement. Their ciphertext is another one
# with each writing: what is written again unchanged counts as changed.
_RAISE = """
CREATE FUNCTION usecases_raise_credentials_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.credentials_version := OLD.credentials_version;
  IF NEW.credentials IS DISTINCT FROM OLD.credentials OR NEW.carrier IS DISTINCT FROM OLD.carrier THEN
    NEW.credentials_version := OLD.credentials_version + 1;
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER usecases_credentials_version BEFORE UPDATE OF credentials, carrier, credentials_version ON usecases_telephonysetup
   FOR EACH ROW EXECUTE FUNCTION usecases_raise_credentials_version();
"""
_LOWER = """
DROP TRIGGER usecases_credentials_version ON usecases_telephonysetup;
DROP FUNCTION usecases_raise_credentials_version();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('usecases', '0005_suppression_by_index'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='telephonysetup',
            name='credentials_changed_at',
        ),
        migrations.AddField(
            model_name='telephonysetup',
            name='credentials_version',
            field=models.PositiveIntegerField(db_default=1, default=1, editable=False, help_text='What was submitted under an older one is not given to the carrier again.'),
        ),
        migrations.RunSQL(_RAISE, _LOWER),
    ]
