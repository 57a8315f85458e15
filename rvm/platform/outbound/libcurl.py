"""What pycurl leaves open: an option without a name, and what an epoll calls the states of sockets that libcurl asks for."""

from __future__ import annotations

import select

import pycurl

QUICK_EXIT = (
    322  # CURLOPT_QUICK_EXIT, unnamed in pycurl: a hanging look-up of a name is abandoned instead of waited for
)
EVENTS = {
    pycurl.POLL_NONE: 0,
    pycurl.POLL_IN: select.EPOLLIN,
    pycurl.POLL_OUT: select.EPOLLOUT,
    pycurl.POLL_INOUT: select.EPOLLIN | select.EPOLLOUT,
}
ACTIONS = {select.EPOLLIN: pycurl.CSELECT_IN, select.EPOLLOUT: pycurl.CSELECT_OUT}  # else 0: libcurl looks itself
