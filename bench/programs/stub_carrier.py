"""A carrier that responds with 202 at once or after a fixed latency: the minimal server to measure clients against.

The event loop and its sockets are uvloop's C code. The Python code only splits the stream into requests and writes a constant
response.
`python -m bench.programs.stub_carrier PORT LATENCY_MS`; it prints `ready` and serves until it is killed.
"""

from __future__ import annotations

import asyncio
import sys

import uvloop

BODY = b'{"id":"stub","status":"accepted"}'
ANSWER = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)


class Stub(asyncio.Protocol):
    latency = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.write = transport.write  # type: ignore[attr-defined]
        self.rest = b""

    def data_received(self, data: bytes) -> None:
        data = self.rest + data
        while (head := data.find(b"\r\n\r\n")) >= 0:
            at = data.find(b"ontent-Length: ", 0, head)
            if at < 0:
                at = data.find(b"ontent-length: ", 0, head)
            length = int(data[at + 15 : data.find(b"\r", at + 15)]) if at >= 0 else 0
            end = head + 4 + length
            if len(data) < end:
                break
            data = data[end:]
            if self.latency:
                asyncio.get_running_loop().call_later(self.latency, self.write, ANSWER)
            else:
                self.write(ANSWER)
        self.rest = data


async def serve(port: int, latency_ms: float) -> None:
    Stub.latency = latency_ms / 1000
    server = await asyncio.get_running_loop().create_server(Stub, "127.0.0.1", port, backlog=4096)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), float(sys.argv[2])))
