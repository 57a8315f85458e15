"""The file at a target, read whole into memory: bounded in bytes and time, and never decompressed."""

from __future__ import annotations

import pycurl

from rvm.platform.errors import ServiceError
from rvm.platform.outbound.connection import Connection
from rvm.platform.outbound.targets import Target

CONNECT_SECONDS, TOTAL_SECONDS = 3.0, 15.0
NOT_FETCHED, TOO_LARGE = "url_not_fetched", "too_large"

# One sentence for a name that is not known and for one that leads into a private network: it tells nothing of what is there.
_NOBODY = "No machine on the public internet was found under the host's name."
_NO_TRUST = "The host's certificate is not valid for its name, has expired, or is signed by nobody who is trusted."
_MESSAGES = {
    pycurl.E_COULDNT_RESOLVE_HOST: _NOBODY,
    pycurl.E_COULDNT_CONNECT: "The host refuses connections, or is unreachable.",
    pycurl.E_SSL_CONNECT_ERROR: "The host does not speak TLS 1.2 or later at this port.",
    pycurl.E_PEER_FAILED_VERIFICATION: _NO_TRUST,
}
_BROKEN = "The connection broke before the file was whole; try again."


class _Body:
    """WRITEFUNCTION and HEADERFUNCTION: the bytes up to a bound, and how they are encoded."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.data = bytearray()
        self.too_large = self.encoded = False

    def take(self, chunk: bytes) -> int:
        self.too_large = self.too_large or len(self.data) + len(chunk) > self.most
        if self.too_large or self.encoded:
            return -1  # ends the transfer
        self.data += chunk
        return len(chunk)

    def take_header(self, line: bytes) -> None:
        name, _, value = line.decode("latin-1").partition(":")
        if name.strip().lower() == "content-encoding" and value.strip().lower() not in ("", "identity"):
            self.encoded = True


def download(target: Target, *, most: int, seconds: float = TOTAL_SECONDS, name: str = "url") -> bytes:
    """The file at the target, at most `most` bytes. Raises ServiceError at the field `name`: TOO_LARGE, or NOT_FETCHED.

    It waits for the network, so it is called outside of a transaction.
    """
    body = _Body(most)
    with Connection(target, connect_seconds=min(CONNECT_SECONDS, seconds), total_seconds=seconds) as connection:
        handle = connection.handle
        handle.setopt(pycurl.MAXFILESIZE, most)
        handle.setopt(pycurl.WRITEFUNCTION, body.take)
        handle.setopt(pycurl.HEADERFUNCTION, body.take_header)
        handle.setopt(pycurl.HTTPHEADER, ["Accept: */*"])
        try:
            handle.perform()
            code = pycurl.E_OK
        except pycurl.error as error:
            code = error.args[0]
        status = handle.getinfo(pycurl.RESPONSE_CODE)
    # The status first: the body of an answer that is no file is of no interest, however long.
    if not connection.refused and status not in (0, 200):
        raise ServiceError(NOT_FETCHED, _answered(status), field=name)
    if body.too_large or code == pycurl.E_FILESIZE_EXCEEDED:
        size = f"{most // 1024 // 1024} MB ({most:,} bytes)"
        raise ServiceError(TOO_LARGE, f"The file at the address is larger than {size}.", field=name)
    if message := _failure(connection, body, code, seconds):
        raise ServiceError(NOT_FETCHED, f"The file was not fetched. {message}", field=name)
    return bytes(body.data)


def _answered(status: int) -> str:
    if 300 <= status < 400:
        return (
            f"The address answers with a redirect ({status}), and none is followed; name the address that it leads to."
        )
    return f"The address answers with status {status}; a file comes with 200."


def _failure(connection: Connection, body: _Body, code: int, seconds: float) -> str:
    """Our own sentence, because libcurl's may quote the server; empty if there is nothing wrong."""
    if connection.refused:
        return _NOBODY
    if body.encoded:
        return "It comes compressed, which was not asked for; serve it as it is."
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return f"It did not arrive whole within {seconds:g} seconds."
    return "" if code == pycurl.E_OK else _MESSAGES.get(code, _BROKEN)
