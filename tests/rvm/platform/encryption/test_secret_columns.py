"""How each column is kept whose name sounds like a secret: a new one fails here until that is decided."""

from __future__ import annotations

import re

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client

from rvm.platform.encryption.fields import EncryptedField
from rvm.platform.models import Session
from rvm.platform.webhooks.destinations import rotate_secret
from tests.factories import make_api_key, make_setup, make_use_case, make_user
from tests.rvm.platform.webhooks.factories import make_destination
from usecases.services.callback_secrets import rotate_callback_secret

pytestmark = pytest.mark.django_db

SOUNDS_SECRET = re.compile("token|secret|key|digest|password|seed|code|credential|session|hash|proof|signature")

# Whoever reads the table opens nothing with a hash.
HASHED = {
    "platform.user.password": "Django's hasher of passwords.",
    "platform.apikey.digest": "SHA-256 of the key, which has 178 random bits.",
    "platform.invitation.digest": "SHA-256 of the random token of the link.",
    "platform.session.session_key": "SHA-256 of the random key in the browser's cookie.",
    "platform.signincount.key": "HMAC of an account and an address.",
    "usecases.callbacksecret.digest": "SHA-256 of the fixed address's token, which has 192 random bits.",
}

ENCRYPTED = {
    "platform.webhooksecret.secret",
    "usecases.callbacksecret.key",
    "usecases.inboundsecret.secret",
    "usecases.telephonysetup.credentials",
}

# Tables of allauth that stay empty: no address is confirmed, no provider is in the database, no provider's token is kept.
EMPTY = {
    "account.emailconfirmation.key",
    "socialaccount.socialapp.key",
    "socialaccount.socialapp.secret",
    "socialaccount.socialtoken.token",
    "socialaccount.socialtoken.token_secret",
}

OPENS_NOTHING = {
    "auth.permission.codename": "The name of a permission.",
    "campaigns.recipientimport.codes": "Reasons, by how many rows.",
    "campaigns.rejectedrow.code": "A reason.",
    "delivery.drop.carrier_code": "The carrier's word for a reason.",
    "delivery.drop.credentials_version": "A count.",
    "delivery.carrierreport.carrier_code": "The carrier's word for a reason.",
    "delivery.recording.encoder": "The name of a program.",
    "delivery.voicemail.carrier_code": "The carrier's word for a reason.",
    "delivery.voicemail.index_key": "The number of an index key.",
    "platform.auditchain.hash": "A seal of the audit.",
    "platform.auditevent.key": "The id of an API key.",
    "platform.auditseal.hash": "A seal of the audit.",
    "platform.auditseal.key_number": "The number of an index key.",
    "platform.idempotencykey.key": "A caller's own name for a request; it gets an answer with the same rights only.",
    "platform.keyrotation.key_number": "The number of a key.",
    "platform.organisation.opt_out_keys": "Keys of a telephone.",
    "platform.webhookdestination.signature": "How webhooks are signed.",
    "platform.session.session_data": "Whose session it is, signed; it opens nothing without the key.",
    "platform.workspace.area_codes": "Area codes.",
    "usecases.consent.index_key": "The number of an index key.",
    "usecases.inboundmessage.digest": "A hash of a message, by which it is heard once.",
    "usecases.suppression.index_key": "The number of an index key.",
    "usecases.telephonysetup.credentials_version": "A count.",
}


def test_every_column_that_sounds_like_a_secret_is_decided() -> None:
    found, encrypted = set(), set()
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if SOUNDS_SECRET.search(field.name):
                is_encrypted = isinstance(field, EncryptedField)
                (encrypted if is_encrypted else found).add(f"{model._meta.label_lower}.{field.name}")
    assert encrypted == ENCRYPTED
    assert found == HASHED.keys() | EMPTY | OPENS_NOTHING.keys()


def test_no_table_holds_a_secret_in_clear() -> None:
    setup = make_setup(make_use_case().workspace, credentials={"key": "sk-carrier-1", "signing_secret": "wh-carrier-2"})
    user = make_user(is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(user)
    key, plaintext = make_api_key(setup.workspace)
    secrets = [
        plaintext,
        rotate_callback_secret(setup=setup, actor=user).token,
        client.cookies["sessionid"].value,
        "sk-carrier-1",
        "wh-carrier-2",
        rotate_secret(destination=make_destination(setup.workspace), actor=user)[1],
        *(secret.key for secret in setup.callback_secrets.all()),
    ]
    assert Session.objects.exists() and key.digest
    tables = [model._meta.db_table for model in apps.get_models() if model._meta.managed]
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT to_jsonb(t)::text FROM {table} t")
            rows = "\n".join(row for (row,) in cursor.fetchall())
            assert [secret for secret in secrets if secret in rows] == [], table
            for secret in secrets:
                assert secret.encode().hex() not in rows, table
