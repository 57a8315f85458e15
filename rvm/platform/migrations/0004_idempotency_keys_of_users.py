import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# Whose request a stored answer belongs to was not kept. So every key of the workspace has it from now on, without the answer: its
# fingerprint knows no rights and fits no request, and who repeats one of the last day is told 422 rather than served twice.
_SHARE = """
INSERT INTO platform_idempotencykey (workspace_id, user_id, key, fingerprint, status, answer, created_at)
SELECT i.workspace_id, k.user_id, i.key, i.fingerprint, i.status, '', i.created_at
  FROM platform_idempotencykey i
  JOIN (SELECT DISTINCT workspace_id, user_id FROM platform_apikey WHERE revoked_at IS NULL) k USING (workspace_id);
DELETE FROM platform_idempotencykey WHERE user_id IS NULL;
SET CONSTRAINTS ALL IMMEDIATE;
"""
_ONE_A_WORKSPACE = """
DELETE FROM platform_idempotencykey i USING platform_idempotencykey first
 WHERE first.workspace_id = i.workspace_id AND first.key = i.key AND first.id < i.id;
SET CONSTRAINTS ALL IMMEDIATE;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("platform", "0003_tally"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="idempotencykey", name="platform_one_idempotency_key"),
        migrations.AddField(
            model_name="idempotencykey",
            name="user",
            field=models.ForeignKey(
                db_index=False,
                help_text="The service user of the API key that asked; a rotated key keeps it.",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.RunSQL(_SHARE, _ONE_A_WORKSPACE),
        migrations.AlterField(
            model_name="idempotencykey",
            name="user",
            field=models.ForeignKey(
                db_index=False,
                help_text="The service user of the API key that asked; a rotated key keeps it.",
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="idempotencykey",
            name="fingerprint",
            field=models.BinaryField(
                help_text="SHA-256 of method, path, the API key's rights and body.", max_length=32
            ),
        ),
        migrations.AddConstraint(
            model_name="idempotencykey",
            constraint=models.UniqueConstraint(fields=("user", "key"), name="platform_one_idempotency_key"),
        ),
    ]
