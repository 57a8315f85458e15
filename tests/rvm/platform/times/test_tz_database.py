"""Every process reads the pinned time zones, whatever the machine's own files say."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zoneinfo
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import tzdata
from django.conf import settings

from rvm.platform.times import tz_database
from rvm.platform.times.tz_database import Release, read_package_only, reads_package_only, release, zone

PROJECT = Path(settings.BASE_DIR)
LAYERS = ("rvm", "usecases", "delivery", "campaigns", "bench")

# Provinces whose clocks were changed in November 2026 and one that keeps its own: hours of UTC in December and in July.
OFFSETS = {
    "America/Vancouver": (-7, -7),
    "America/Edmonton": (-6, -6),
    "America/Winnipeg": (-5, -5),
    "America/Regina": (-6, -6),
    "America/Whitehorse": (-7, -7),
    "America/Los_Angeles": (-8, -7),
    "America/Denver": (-7, -6),
    "America/Chicago": (-6, -5),
}
# As any code asks, and as the calling windows do.
ASK = "import zoneinfo; from datetime import datetime; print(datetime(2026, 12, 1, tzinfo=zoneinfo.ZoneInfo('America/Vancouver')))"
ASK_WINDOWS = ASK.replace("zoneinfo", "usecases.windows").replace("ZoneInfo", "zone_named")
DJANGO = "import django; django.setup()"
PROCESSES = {
    "web": ["-c", f"import rvm.project.wsgi; {ASK}"],
    "worker, tick, sandbox and every other command": ["manage.py", "shell", "--no-imports", "-c", ASK],
    "bench": ["-c", f"import bench.programs.importer; {DJANGO}; {ASK}"],
    "one that asked before": ["-c", f"import zoneinfo; kept = zoneinfo.ZoneInfo('America/Vancouver'); {DJANGO}; {ASK}"],
    "calling windows without Django": ["-c", ASK_WINDOWS],
}


def hours(name: str, moment: datetime) -> float:
    offset = moment.astimezone(ZoneInfo(name)).utcoffset()
    assert offset is not None
    return offset / timedelta(hours=1)


@pytest.mark.parametrize("name", OFFSETS)
def test_the_clocks_of_provinces_and_states_are_those_of_the_pinned_release(name: str) -> None:
    winter, summer = datetime(2026, 12, 1, 12, tzinfo=UTC), datetime(2027, 7, 1, 12, tzinfo=UTC)
    assert (hours(name, winter), hours(name, summer)) == OFFSETS[name]


@pytest.fixture
def old_machine(tmp_path: Path) -> Path:
    """The zone files of a machine on which British Columbia still puts its clocks back."""
    (tmp_path / "America").mkdir()
    for name in OFFSETS:
        source = resources.files("tzdata") / "zoneinfo" / "America" / "Los_Angeles"
        with resources.as_file(source) as file:
            shutil.copy(file, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("process", PROCESSES)
def test_a_process_on_a_machine_with_old_files_reads_the_pinned_release(process: str, old_machine: Path) -> None:
    variables = {
        **os.environ,
        "PYTHONTZPATH": str(old_machine),
        "DJANGO_SETTINGS_MODULE": "rvm.project.settings",
        "PYTHONPATH": str(PROJECT),
    }
    done = subprocess.run(
        [sys.executable, *PROCESSES[process]], cwd=PROJECT, env=variables, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.endswith("2026-12-01 00:00:00-07:00\n"), done.stdout + done.stderr


def test_zones_that_were_asked_for_before_are_read_again(old_machine: Path) -> None:
    try:
        zoneinfo.reset_tzpath(to=[str(old_machine)])
        ZoneInfo.clear_cache()
        assert not reads_package_only()
        assert hours("America/Vancouver", datetime(2026, 12, 1, tzinfo=UTC)) == -8
    finally:
        read_package_only()
    assert reads_package_only()
    assert hours("America/Vancouver", datetime(2026, 12, 1, tzinfo=UTC)) == -7
    assert zone("America/Vancouver") is zone("America/Vancouver")


def test_the_pinned_release_is_the_one_in_use() -> None:
    pinned = re.search(r"^tzdata==(\S+)", (PROJECT / "requirements" / "base.txt").read_text(), re.MULTILINE)
    assert pinned is not None
    assert release().version == pinned[1] == tzdata.__version__
    assert release().iana == tzdata.IANA_VERSION


def test_a_release_is_no_older_than_its_year_and_its_newest_bulletin() -> None:
    found = release()
    assert found.earliest >= date(int(found.iana[:4]), 1, 1)
    # 2026f has the bulletin of July 2026
    assert found.earliest >= date(2026, 7, 6)
    assert Release("2025.2", "2025b", date(2025, 1, 6)).age(date(2026, 1, 7)) == timedelta(days=366)


@pytest.mark.parametrize(
    ("bulletin", "earliest"),
    [
        ("#updated 1783323897 (2026-07-06)\n", date(2026, 7, 6)),
        ("#updated 1\n", date(2026, 1, 1)),
        ("", date(2026, 1, 1)),
    ],
)
def test_the_day_of_a_release_without_a_newer_bulletin_is_the_first_of_its_year(
    bulletin: str, earliest: date, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "zoneinfo").mkdir()
    (tmp_path / "zoneinfo" / "leapseconds").write_text(f"# comment\n{bulletin}")
    monkeypatch.setattr(tz_database.resources, "files", lambda _package: tmp_path)
    monkeypatch.setattr(tzdata, "IANA_VERSION", "2026f")
    release.cache_clear()
    try:
        assert release().earliest == earliest
    finally:
        release.cache_clear()


def test_no_statement_asks_postgresql_for_a_time_zone() -> None:
    """Its zones are the server's, which nobody pins: it keeps and compares moments, and local time is for Python."""
    asks = re.compile(
        r"\bTrunc[A-Z]|(?i:at time zone|date_trunc|make_timestamptz|to_char\(|current_date\b|\blocaltimestamp)"
    )
    found = [
        f"{path.relative_to(PROJECT)}: {line.strip()}"
        for layer in LAYERS
        for path in sorted((PROJECT / layer).rglob("*.py"))
        for line in path.read_text().splitlines()
        if asks.search(line)
    ]
    assert found == []
