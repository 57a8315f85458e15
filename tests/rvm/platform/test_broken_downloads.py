"""A download that breaks off looks broken to its client, under the web server that deployments run."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection, IncompleteRead

import pytest

from rvm.platform.csv_export import BLOCK_ROWS, INCOMPLETE_LINE
from tests.sessions import PATIENCE_SECONDS
from tests.web_servers import serving


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with serving("tests.rvm.platform.broken_download", tmp_path_factory.mktemp("web")) as port:
        yield port


def fetched(port: int, path: str) -> bytes:
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.status == 200
        return answer.read()
    finally:
        connection.close()


def test_a_whole_file_ends_as_one(port: int) -> None:
    assert fetched(port, "/whole").count(b"\r\n") == 2 * BLOCK_ROWS


def test_a_file_that_breaks_off_is_an_incomplete_download_and_says_so_itself(port: int) -> None:
    with pytest.raises(IncompleteRead) as cut:
        fetched(port, "/broken")
    assert cut.value.partial.endswith(INCOMPLETE_LINE)
    assert fetched(port, "/whole").count(b"\r\n") == 2 * BLOCK_ROWS
