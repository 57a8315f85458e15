"""Loaded by every process of the platform in the test of markers: notes which files are written, and breaks functions.

A process finds it by PYTHONPATH. The functions that break hold a patient's number and name when they do.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import os
import sys
from typing import Any

CRASHES_AT_API, CRASHES_IN_WORKER, NAME = "+18085550187", "+19075550187", "Quisquilia"
_written = os.open(os.environ["RVM_TEST_WRITTEN"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "open":
        return
    path, mode, flags = arguments
    writes = bool(set(mode or "") & set("wax+")) or bool((flags or 0) & (os.O_WRONLY | os.O_RDWR))
    if writes and isinstance(path, str | bytes):
        os.write(_written, os.path.abspath(os.fsencode(path)) + b"\n")  # noqa: PTH100  # paths of bytes too


sys.addaudithook(_note)


def _break_screening(module: Any) -> None:
    usual = module.screen

    def screen(use_case: Any, recipients: Any, **options: Any) -> Any:
        for each in recipients:
            if getattr(each, "number", "") == CRASHES_AT_API:
                raise RuntimeError(f"{NAME} at {each.number} cannot be placed: {each!r}")
        return usual(use_case, recipients, **options)

    module.screen = screen


def _break_requests(module: Any) -> None:
    usual = module.drop_request

    def drop_request(drop_id: Any, *, recipient: str, **options: Any) -> Any:
        if recipient == CRASHES_IN_WORKER:
            raise ValueError(f"{NAME} at {recipient} has no place")
        return usual(drop_id, recipient=recipient, **options)

    module.drop_request = drop_request


def _break_first(name: str) -> Any:
    """Breaks the first call in each process."""

    def break_it(module: Any) -> None:
        usual, calls = getattr(module, name), []

        def broken(*arguments: Any, **options: Any) -> Any:
            if not calls:
                calls.append(True)
                raise LookupError(f"{NAME} at {CRASHES_IN_WORKER} is not there")
            return usual(*arguments, **options)

        broken.__name__, broken.__module__, broken.__qualname__ = usual.__name__, usual.__module__, usual.__qualname__
        broken.__doc__ = usual.__doc__
        setattr(module, name, broken)

    return break_it


_BREAKS = {
    "delivery.services.screening": _break_screening,
    "delivery.carriers.base": _break_requests,
    "delivery.worker.maintenance": _break_first("expire_leases"),
    "delivery.worker.tasks": _break_first("merge_reports"),
}


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        change = _BREAKS.pop(name, None)
        spec = importlib.util.find_spec(name) if change else None
        if spec is None or spec.loader is None or change is None:
            return None
        usual = spec.loader.exec_module

        def exec_module(module: Any) -> None:
            usual(module)
            change(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


sys.meta_path.insert(0, _Finder())
