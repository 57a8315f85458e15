"""JSON logs on standard output: without phone numbers, without the texts of exceptions that may quote a person's data, and one line
each whatever a request sends.

Structlog events and the records of Django, RQ and gunicorn pass through one stdlib handler, whose formatter masks everything that
looks like a phone number and writes control characters as escapes, so that no byte of a request begins a line or moves a cursor.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, MutableMapping
from typing import Any

import orjson
import structlog
from django.core.exceptions import ImproperlyConfigured
from django.db import InterfaceError, OperationalError
from redis.exceptions import RedisError
from structlog.processors import ExceptionRenderer, TimeStamper
from structlog.stdlib import ProcessorFormatter, add_log_level, add_logger_name
from structlog.tracebacks import ExceptionDictTransformer

from rvm.platform.observability.masking import mask_value
from rvm.platform.observability.request_id import hide_request, hide_token

Event = MutableMapping[str, Any]

# Exceptions whose texts are about servers, files and the program, and never quote a value that was worked on. The text of any other
# may: a name is not recognised as a number is. Its type and its place are logged.
_QUOTES_NOBODY = (
    OSError, OperationalError, InterfaceError, RedisError, ImproperlyConfigured, ImportError, AttributeError, NameError
)  # fmt: skip
_HIDDEN = "[not logged]"

_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    add_log_level,
    add_logger_name,
    TimeStamper(fmt="iso", utc=True),
]

# These loggers come with handlers of their own, which are removed.
_LOGGERS = ("django", "django.server", "rq", "rq.worker", "gunicorn.error", "gunicorn.access")


def mask_event(_logger: Any, _method: str, event: Event) -> Event:
    """Masks phone numbers in all keys and values of the event."""
    masked: Event = mask_value(dict(event))
    return masked


# What begins a line for a terminal, a file or a collector, controls a terminal, reverses text, or is no character at all.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def _escaped(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape", "surrogatepass").decode(), text)


def _flat(value: Any) -> Any:
    if isinstance(value, str):
        return _escaped(value)
    if isinstance(value, dict):
        return {_escaped(str(key)): _flat(entry) for key, entry in value.items()}
    return [_flat(entry) for entry in value] if isinstance(value, list) else value


def flatten_event(_logger: Any, _method: str, event: Event) -> Event:
    """The last processor before rendering, after masking, which leaves only texts, numbers, lists and dicts. A traceback that is text
    keeps its lines, each behind a bar: texts of errors quote requests."""
    flat: Event = {}
    for key, value in event.items():
        lines = value.split("\n") if key in ("exception", "stack") and isinstance(value, str) else None
        flat[_escaped(key)] = "\n".join(f"  | {_escaped(line)}" for line in lines) if lines else _flat(value)
    return flat


def _json(event: Any, **_: Any) -> str:
    return orjson.dumps(event).decode()


# Local variables may contain a patient's number, so frames are listed without them.
_transform = ExceptionDictTransformer(show_locals=False, max_frames=30)


def _traces(exc_info: Any) -> list[dict[str, Any]]:
    """The exception and its causes, each with its frames, and with its text if that quotes nobody."""
    safe = {type(each).__name__ for each in _chain(exc_info[1]) if isinstance(each, _QUOTES_NOBODY)}
    return [_without_text(trace, safe) for trace in _transform(exc_info)]


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _without_text(trace: dict[str, Any], safe: Collection[str]) -> dict[str, Any]:
    """Exceptions of a group are left without any text."""
    text = trace["exc_value"] if trace["exc_type"] in safe else _HIDDEN
    groups = [[_without_text(each, ()) for each in group] for group in trace.get("exceptions", ())]
    return {**trace, "exc_value": text, "exc_notes": [], "exceptions": groups, "syntax_error": None}


def _traces_as_text(exc_info: Any) -> str:
    """For people: the cause first, as Python writes it."""
    return "\n".join(
        "\n".join(
            (
                *(
                    f'  File "{frame["filename"]}", line {frame["lineno"]}, in {frame["name"]}'
                    for frame in trace["frames"]
                ),
                f"{trace['exc_type']}: {trace['exc_value']}",
            )
        )
        for trace in reversed(_traces(exc_info))
    )


def _renderers(format: str) -> list[Any]:
    if format == "console":
        # The traceback is rendered to text first, so that it is masked too.
        people = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        return [ExceptionRenderer(_traces_as_text), mask_event, flatten_event, people]
    return [ExceptionRenderer(_traces), mask_event, flatten_event, structlog.processors.JSONRenderer(serializer=_json)]


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
        "filters": {"no_token": {"()": lambda: hide_token}, "no_request": {"()": lambda: hide_request}},
        "handlers": {"stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "rvm"}},
        "root": {"level": level, "handlers": ["stdout"]},
        "loggers": {
            **{name: {"level": "NOTSET", "handlers": [], "propagate": True} for name in _LOGGERS},
            "django.request": {"filters": ["no_token"]},
            "gunicorn.error": {"level": "NOTSET", "handlers": [], "propagate": True, "filters": ["no_request"]},
        },
    }
