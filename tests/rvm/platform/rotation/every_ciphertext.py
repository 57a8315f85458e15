"""A row with a value in every encrypted column, a file of each kind, and a second factor."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django.apps import apps

from campaigns.models import OptOutImport, RecipientImport
from delivery.models import CarrierReport, Clip, Recording, Voicemail
from rvm.platform.accounts.second_factor.secrets import seal
from rvm.platform.encryption.encrypted_files import encrypt_file
from rvm.platform.models import User, Workspace
from rvm.platform.rotation.columns import encrypted_fields
from rvm.platform.rotation.files import has_file
from tests.factories import RECIPIENT
from tests.rvm.platform.admin.every_row import make_every_row

SOUND = b"frames" * 30_000  # three blocks


def make_every_ciphertext(workspace: Workspace) -> None:
    rows = make_every_row(workspace)
    voicemail = rows[Voicemail]
    voicemail.record_number, voicemail.merge_fields = "MRN-1", {"name": "Ana"}
    voicemail.save(update_fields=["record_number", "merge_fields"])
    report = rows[CarrierReport]
    report.recipient = RECIPIENT
    report.save(update_fields=["recipient"])
    for model in (Recording, Clip, RecipientImport, OptOutImport):
        encrypt_file(rows[model].storage_name, [SOUND], rows[model].associated_data)
    user = rows[User]
    for data in ({"secret": seal("JBSWY3DP", user.pk)}, {"seed": seal("f00d", user.pk), "used_mask": 0}):
        kind = Authenticator.Type.TOTP if "secret" in data else Authenticator.Type.RECOVERY_CODES
        Authenticator.objects.create(user=user, type=kind, data=data)


def plaintexts() -> dict[str, list[Any]]:
    """All values of encrypted columns, by column, as they are read."""
    return {
        f"{model._meta.db_table}.{field.column}": [
            getattr(row, field.attname) for row in model._default_manager.order_by("pk")
        ]
        for model in apps.get_models()
        for field in encrypted_fields(model)
    }


def models_with_files() -> set[Any]:
    return {model for model in apps.get_models() if has_file(model)}
