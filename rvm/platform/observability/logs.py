"""JSON logs on standard output, without phone numbers.

Structlog events and the records of Django, RQ and gunicorn pass through one stdlib handler, whose formatter masks everything that
looks like a phone number.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import orjson
import structlog
from structlog.processors import ExceptionRenderer, TimeStamper, format_exc_info
from structlog.stdlib import ProcessorFormatter, add_log_level, add_logger_name
from structlog.tracebacks import ExceptionDictTransformer

from rvm.platform.observability.masking import mask_value
from rvm.platform.observability.request_id import hide_token

Event = MutableMapping[str, Any]

_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    add_log_level,
    add_logger_name,
    TimeStamper(fmt="iso", utc=True),
]

# These loggers come with handlers of their own, which are removed.
_LOGGERS = ("django", "django.server", "rq", "rq.worker", "gunicorn.error", "gunicorn.access")


def mask_event(_logger: Any, _method: str, event: Event) -> Event:
    """The last structlog processor before rendering: masks phone numbers in all keys and values of the event."""
    masked: Event = mask_value(dict(event))
    return masked


def _json(event: Any, **_: Any) -> str:
    return orjson.dumps(event).decode()


def _renderers(format: str) -> list[Any]:
    if format == "console":
        # The traceback is rendered to text first, so that it is masked too.
        people = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        return [format_exc_info, mask_event, people]
    # Local variables may contain a patient's number, so frames are listed without them.
    exceptions = ExceptionRenderer(ExceptionDictTransformer(show_locals=False, max_frames=30))
    return [exceptions, mask_event, structlog.processors.JSONRenderer(serializer=_json)]


def logging_config(*, level: str, format: str) -> dict[str, Any]:
    """The `LOGGING` setting; `format` is `json`, or `console` for people. Also configures structlog to use stdlib logging."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *_SHARED,
            ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "rvm": {
                "()": ProcessorFormatter,
                "foreign_pre_chain": _SHARED,
                "processors": [ProcessorFormatter.remove_processors_meta, *_renderers(format)],
            }
        },
        "filters": {"no_token": {"()": lambda: hide_token}},
        "handlers": {"stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "rvm"}},
        "root": {"level": level, "handlers": ["stdout"]},
        "loggers": {
            **{name: {"level": "NOTSET", "handlers": [], "propagate": True} for name in _LOGGERS},
            "django.request": {"filters": ["no_token"]},
        },
    }
