"""The child's program: `python -I child.py PARENT_PID`. It limits itself before it reads any untrusted byte.

A script has no package, so its first lines add the project's root to the import path.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

import ctypes
import importlib
import os
import resource
import signal
from collections.abc import Mapping
from typing import Any, BinaryIO

import orjson

from rvm.platform.isolation.frames import BYTES, CALL, END, FAULT, HEAD, ITEM, MEMORY, REFUSED, frame

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(parent: int) -> None:
    exit_with_parent(parent)
    source = sys.stdin.buffer
    sys.stdout = sys.stderr  # printed text must not mix with frames
    call = _call(source)
    task, refusal = _function_named(call["task"]), _function_named(call["refusal"])
    apply_limits(call["limits"])
    try:
        for item in task(source, **call["arguments"]):
            _write(frame(BYTES, item) if isinstance(item, bytes) else frame(ITEM, orjson.dumps(item)))
        last = frame(END)
    except refusal as refused:
        last = frame(REFUSED, orjson.dumps([refused.code, refused.message]))
    except MemoryError:
        last = frame(MEMORY)
    except Exception as error:
        last = frame(FAULT, orjson.dumps([type(error).__name__, _place(error)]))
    _write(last)
    os._exit(0)  # no clean-up is needed, and clean-up may fail after a MemoryError


def exit_with_parent(parent: int) -> None:
    """Have the kernel kill this process when the parent's thread ends, and ignore SIGTERM and SIGINT, which the parent handles."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def apply_limits(limits: Mapping[str, int]) -> None:
    """Limit memory and CPU time of this process, and forbid new processes, core dumps, and files beyond the three open ones."""
    bounds = {
        resource.RLIMIT_AS: limits["memory_bytes"],
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: 3,
    }
    for kind, most in bounds.items():
        resource.setrlimit(kind, (most, most))
    # The soft limit sends SIGXCPU, by which the parent recognises the cause; the hard limit kills one second later.
    resource.setrlimit(resource.RLIMIT_CPU, (limits["cpu_seconds"], limits["cpu_seconds"] + 1))


def _call(source: BinaryIO) -> dict[str, Any]:
    kind, length = HEAD.unpack(source.read(HEAD.size))
    if kind != CALL:
        os._exit(1)
    call: dict[str, Any] = orjson.loads(source.read(length))
    return call


def _function_named(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _write(content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(1, left) :]


def _place(error: BaseException) -> str:
    """The file and line of the error, without the line's text."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""


if __name__ == "__main__":
    main(int(sys.argv[1]))
