"""Sounds fetched from an address that a user names, as far as their bytes: the check and the storage are those of an upload."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote

from delivery.audio.inspection import MAX_BYTES
from delivery.recordings.storage import MAX_NAME_LENGTH, name_of_file
from rvm.platform.observability.representation import hides
from rvm.platform.outbound.download import download
from rvm.platform.outbound.installation import target_of


@hides("data", "name", "host")
class Fetched(NamedTuple):
    """The bytes of a file, what it is called at its address, and the host that it is from."""

    data: bytes
    name: str
    host: str


def fetch_sound(url: str) -> Fetched:
    """The file at the address. Raises ServiceError at the field `url`. It waits for the network: call it outside of a transaction."""
    target = target_of(url)
    called = "".join(filter(str.isprintable, unquote(target.path.rpartition("/")[2])))
    return Fetched(download(target, most=MAX_BYTES), name_of_file(called)[:MAX_NAME_LENGTH], target.host)
