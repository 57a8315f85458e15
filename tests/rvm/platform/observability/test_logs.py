"""One line of JSON per event, from our loggers and from everybody else's, and never a phone number in it."""

from __future__ import annotations

import io
import json
import logging
import logging.config
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from rvm.platform.observability.logs import logging_config

NUMBER = "+12025550142"


def fresh(format: str) -> io.StringIO:
    stream = io.StringIO()
    config = logging_config(level="INFO", format=format)
    config["handlers"]["stdout"]["stream"] = stream
    logging.config.dictConfig(config)
    return stream


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    structlog.contextvars.clear_contextvars()
    yield
    structlog.contextvars.clear_contextvars()
    root.handlers[:], root.level = handlers, level


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_line_with_time_level_logger_and_request_id() -> None:
    stream = fresh("json")
    structlog.contextvars.bind_contextvars(request_id="r-1")
    structlog.get_logger("rvm.test").info("sent", voicemails=3)
    [line] = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "sent", "voicemails": 3, "level": "info", "logger": "rvm.test", "request_id": "r-1"}


@pytest.mark.parametrize("name", ["django.request", "rq.worker", "gunicorn.error", "gunicorn.access", "anybody"])
def test_other_peoples_loggers_are_masked_too(name: str) -> None:
    stream = fresh("json")
    logging.getLogger(name).warning("GET /x?recipient_phone_number=%s for %s", "%2B12025550142", NUMBER)
    [line] = lines(stream)
    assert line["event"] == "GET /x?recipient_phone_number=[number] for [number]"
    assert line["logger"] == name


# Each begins a line somewhere, controls a terminal, turns text around, or is no character.
FORGERIES = ("\n", "\r", "\x1b[2K", "\x85", "\u2028", "\u2029", "\0", "\x9b", "\u202e", "\ud800")


@pytest.mark.parametrize("format", ["json", "console"])
@pytest.mark.parametrize("forgery", FORGERIES, ids=ascii)
def test_no_character_of_a_text_forges_a_line(format: str, forgery: str) -> None:
    stream = fresh(format)
    text = f"/x{forgery}FORGED"
    logging.getLogger("django.request").warning("Not Found: %s", text)
    logging.getLogger("gunicorn.error").warning("Invalid request: %s", text)
    structlog.get_logger("rvm.test").warning(text, **{text: [{"agent": text}]})
    try:
        raise ValueError(text)
    except ValueError:
        logging.getLogger("x").exception("failed")
    written = stream.getvalue()
    assert forgery == "\n" or forgery not in written
    kept = written.splitlines()
    assert "FORGED" in written and not [line for line in kept if line.startswith("FORGED")]
    assert len([line for line in kept if not line.startswith("  | ") and line]) == 4


def fail_for(number: str) -> None:
    raise ValueError(f"cannot reach {number}")


def test_an_exception_is_a_dict_without_local_variables_and_without_the_number() -> None:
    stream = fresh("json")
    try:
        fail_for(NUMBER)
    except ValueError:
        structlog.get_logger("rvm.test").exception("failed", to=NUMBER)
    assert "2025550142" not in stream.getvalue()
    [line] = lines(stream)
    [told] = line["exception"]
    assert told["exc_type"] == "ValueError" and told["exc_value"] == "[not logged]"
    assert told["frames"][-1]["name"] == "fail_for"
    assert all(frame.get("locals") is None for frame in told["frames"])


def test_the_console_format_is_masked_too_with_its_traceback() -> None:
    stream = fresh("console")
    try:
        fail_for(NUMBER)
    except ValueError:
        logging.getLogger("x").exception("failed for %s", NUMBER)
    assert "2025550142" not in stream.getvalue()
    assert "ValueError: [not logged]" in stream.getvalue() and ", in fail_for" in stream.getvalue()


@pytest.mark.parametrize("format", ["json", "console"])
def test_the_text_of_an_exception_is_logged_only_if_it_quotes_nobody(format: str) -> None:
    """A name is not recognised as a number is."""
    stream = fresh(format)
    try:
        try:
            int("Wilhelmine")
        except ValueError as error:
            error.add_note("Wilhelmine again")
            raise ConnectionRefusedError("nothing listens there") from error
    except OSError:
        logging.getLogger("x").exception("failed")
    try:
        raise ExceptionGroup("Wilhelmine", [ValueError("Wilhelmine")])
    except ExceptionGroup:
        logging.getLogger("x").exception("failed")
    written = stream.getvalue()
    assert "Wilhelmine" not in written
    assert "nothing listens there" in written and "ValueError" in written
