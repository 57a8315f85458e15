"""What the processes write is for their own account: files in the media directory, and no memory on disk after a crash."""

from __future__ import annotations

import resource
import stat
from configparser import ConfigParser
from pathlib import Path

import pytest
from django.core.files.storage import default_storage

from rvm.platform.encryption.encrypted_files import encrypt_file

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


def test_a_media_file_is_readable_by_its_owner_only() -> None:
    encrypt_file("recordings/one-workspace/sound", [b"sound"], b"data")
    file = Path(default_storage.path("recordings/one-workspace/sound"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in list(file.parents)[:2]} == {0o700}


def test_no_process_leaves_its_memory_on_disk() -> None:
    assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)


@pytest.mark.parametrize("unit", sorted(DEPLOY.glob("systemd/*.service")), ids=lambda unit: unit.name)
def test_a_unit_keeps_files_and_memory_to_its_account(unit: Path) -> None:
    parser = ConfigParser(strict=False)
    parser.read(unit)
    assert (parser["Service"]["UMask"], parser["Service"]["LimitCORE"]) == ("0077", "0")
