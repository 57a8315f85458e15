"""A client that reaches a target, and nothing else: each machine is judged when a connection to it is about to be opened.

libcurl resolves the name once and calls OPENSOCKETFUNCTION with the address that it connects to, so no second look-up can give
another one (DNS rebinding). It follows no redirect, asks no proxy and keeps no cookie.
"""

from __future__ import annotations

import socket
import ssl
from typing import Any

import pycurl
from pycurl import Curl

from rvm.platform.outbound.libcurl import QUICK_EXIT
from rvm.platform.outbound.machines import is_loopback, is_public
from rvm.platform.outbound.targets import Target

# A kept socket is closed after so long without a request, before load balancers do; and after so long in all, so that a change of the
# host's addresses takes effect.
IDLE_SECONDS, LIFE_SECONDS = 20, 600


def trusted_certificates() -> dict[int, str]:
    """libcurl's options for the machine's trusted certificates: its wheel looks for them where it was built. Python's default paths
    respect SSL_CERT_FILE."""
    trusted = ssl.get_default_verify_paths()
    if trusted.cafile:
        return {pycurl.CAINFO: trusted.cafile}
    return {pycurl.CAPATH: trusted.capath} if trusted.capath else {}


class Connection:
    """A libcurl handle for requests to `target`. `refused`: a machine that may not be reached stood behind its name.

    A socket serves one request, unless the handle is made to `keep` it: then the caller drives it in a CurlMulti that has handles of
    this target alone, because a socket is judged when it is opened, for the target that it is opened for.
    """

    def __init__(self, target: Target, *, connect_seconds: float, total_seconds: float, keep: bool = False) -> None:
        self.refused = False
        self._may_reach = is_loopback if target.local else is_public
        self._sockets: list[socket.socket] = []
        http = pycurl.PROTO_HTTP if target.local else 0
        self.handle = Curl()
        options: dict[int, Any] = {
            pycurl.URL: target.url,
            pycurl.PROTOCOLS: pycurl.PROTO_HTTPS | http,
            pycurl.FOLLOWLOCATION: 0,
            pycurl.PROXY: "",  # and none from the environment
            pycurl.NETRC: pycurl.NETRC_IGNORED,
            pycurl.HTTP_VERSION: pycurl.CURL_HTTP_VERSION_1_1,
            pycurl.SSL_VERIFYPEER: 1,
            pycurl.SSL_VERIFYHOST: 2,
            pycurl.SSLVERSION: pycurl.SSLVERSION_TLSv1_2,
            pycurl.CONNECTTIMEOUT_MS: round(connect_seconds * 1000),
            pycurl.TIMEOUT_MS: round(total_seconds * 1000),
            pycurl.FRESH_CONNECT: 0 if keep else 1,
            pycurl.FORBID_REUSE: 0 if keep else 1,
            pycurl.MAXAGE_CONN: IDLE_SECONDS,
            pycurl.MAXLIFETIME_CONN: LIFE_SECONDS,
            pycurl.NOSIGNAL: 1,
            QUICK_EXIT: 1,
            pycurl.USERAGENT: "rvm",
            pycurl.OPENSOCKETFUNCTION: self._open,
            **trusted_certificates(),
        }
        for option, value in options.items():
            self.handle.setopt(option, value)

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.handle.close()
        self.ended()

    def ended(self) -> None:
        """Let go of this side's copies of sockets after a request: those of libcurl alone say when a connection ends."""
        for opened in self._sockets:
            opened.close()
        self._sockets.clear()

    def _open(self, purpose: int, address: Any) -> socket.socket | int:
        """OPENSOCKETFUNCTION. Once a machine is refused, no other of the same name is tried."""
        internet = address.family in (socket.AF_INET, socket.AF_INET6)
        self.refused = self.refused or not internet or not self._may_reach(address.addr[0])
        if self.refused:
            bad: int = pycurl.SOCKET_BAD
            return bad
        opened = socket.socket(address.family, address.socktype, address.protocol)
        self._sockets.append(opened)  # libcurl has a duplicate of it
        return opened
