"""Messages about processes that must run and do not, shown on admin pages that depend on them."""

from __future__ import annotations

from collections.abc import Callable

from django.db import DatabaseError
from redis import RedisError

from rvm.platform.database import server
from rvm.platform.health.checks import Unready, durability, live_workers, tick, workers
from rvm.platform.sending_hold import service

SILENT = "Redis or PostgreSQL does not answer; /readyz says which."
NO_WORKER = "No worker is running: voicemails wait. Start one with `manage.py worker dispatch`."
NO_TICK = "The tick is not running: what is due later is not sent, nothing is settled. Start it with `manage.py tick`."
NO_IMPORTS = "No worker reads lists: what was uploaded waits. Start one with `manage.py worker imports`."


def alarms() -> list[str]:
    """Messages about missing processes that every voicemail needs."""
    return _failed_messages((workers, NO_WORKER), (tick, NO_TICK))


def import_alarms() -> list[str]:
    """Messages about missing processes that an uploaded list needs."""
    return _failed_messages((_imports, NO_IMPORTS))


def sending_alarm() -> str:
    """A message that all sending is held, or ""."""
    why = service.look().why_held
    return f"All sending is held. {why}" if why else ""


def server_alarms() -> list[str]:
    """Messages about settings of PostgreSQL that its operator should change."""
    return [*_failed_messages((durability, server.NOT_FLUSHED)), *server.warnings()]


def _imports() -> None:
    if not live_workers("imports"):
        raise Unready(NO_IMPORTS)


def _failed_messages(*checks: tuple[Callable[[], object], str]) -> list[str]:
    messages = []
    for check, message in checks:
        try:
            check()
        except Unready:
            messages.append(message)
        except (DatabaseError, RedisError):
            messages.append(SILENT)
    return list(dict.fromkeys(messages))
