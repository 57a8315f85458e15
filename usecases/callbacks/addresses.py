"""The addresses that carriers call: two with each drop, to report on it and to fetch its recording, and one of each setup that is
registered at the vendor.

The paths are those of `delivery/web/urls.py`; addresses are written for each drop, so they are not reversed.
"""

from __future__ import annotations

from uuid import UUID

from django.conf import settings

from usecases.callbacks.proofs import CallbackKey, Use


def drop_address(key: CallbackKey, drop_id: UUID) -> str:
    """The address that is given with a drop for reports, with a proof for it."""
    return f"{carriers_url()}{drop_path(key, drop_id)}"


def drop_path(key: CallbackKey, drop_id: UUID) -> str:
    return f"/carriers/{key.setup_id}/{key.version}/{key.proof(Use.REPORT, drop_id)}/"


def recording_address(key: CallbackKey, drop_id: UUID) -> str:
    """The address at which the carrier of a drop fetches its recording, with a proof for it: the link itself grants access."""
    return f"{carriers_url()}/recordings/{key.setup_id}/{key.version}/{key.proof(Use.RECORDING, drop_id)}.mp3"


def fixed_address(token: str) -> str:
    """The address of a setup with its token, to be registered at the vendor."""
    return f"{carriers_url()}/carriers/{token}/"


def carriers_url() -> str:
    """The address at which carriers report and fetch recordings, with no slash at its end; read at each call, for tests change it."""
    return str(settings.RVM_CARRIERS_URL or settings.RVM_PUBLIC_URL)
