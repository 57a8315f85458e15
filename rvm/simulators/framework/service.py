"""A simulator on a loopback port: in a thread for tests, or in the terminal until Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

from aiohttp import web

from rvm.simulators.framework.vendor import MAX_BODY_BYTES, Options, Vendor
from rvm.simulators.sandbox.outcomes import Mix

HOST = "127.0.0.1"
V = TypeVar("V", bound=Vendor)


@asynccontextmanager
async def _served(vendor: Vendor) -> AsyncIterator[None]:
    """Raises OSError where the port is taken."""
    await vendor.open()
    runner = web.AppRunner(_app(vendor), access_log=None, shutdown_timeout=1)
    try:
        await runner.setup()
        await web.TCPSite(runner, HOST, vendor.options.port, backlog=1024).start()
        vendor.port = runner.addresses[0][1]
        yield
    finally:
        await vendor.close()
        await runner.cleanup()


def _app(vendor: Vendor) -> web.Application:
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app.router.add_route("*", "/{path:.*}", vendor.handle)
    return app


@contextmanager
def running(kind: type[V], **options: Any) -> Iterator[V]:
    """The simulated vendor in a thread of its own, with fields of `Options`; quick unless told otherwise."""
    vendor = kind(Options(**{"speed": 1000, "report_after": 0, "outcomes": Mix.of({"delivered": 1}), **options}))
    with serving(vendor):
        yield vendor


@contextmanager
def serving(vendor: Vendor) -> Iterator[None]:
    """Raises what the simulator raises while it starts."""
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        try:
            async with _served(vendor):
                started.set_result((asyncio.get_running_loop(), stop := asyncio.Event()))
                await stop.wait()
        except Exception as error:
            if started.done():
                raise
            started.set_exception(error)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    loop, stop = started.result(10)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        if thread.is_alive():
            raise RuntimeError(f"the simulator of {vendor.name} did not stop")


def run(vendor: Vendor, *, quiet: bool = False) -> None:
    """Serve until SIGINT or SIGTERM, and show the credentials of a setup unless `quiet`. Raises SystemExit with a sentence if it
    cannot start."""

    async def serve() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with _served(vendor):
            sys.stdout.write(f"{vendor.name}: listening on {vendor.base_url}\n")
            if not quiet:
                sys.stdout.writelines(f"  {name}: {value}\n" for name, value in vendor.credentials.items())
            sys.stdout.flush()
            await stop.wait()

    try:
        asyncio.run(serve())
    except OSError as error:
        raise SystemExit(f"The simulator of {vendor.name} cannot start: {error}.") from None
