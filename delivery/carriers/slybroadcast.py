"""The adapter for Slybroadcast: one number a session, results by an unsigned post-back that is confirmed by asking for the result.

Written from slybroadcast.com/documentation.php and documentationjson.php; where these are silent, from public code of others, marked
[3P]; not tested against the vendor's servers. These properties shape the adapter:

* Everything is one form POST with the account's e-mail address and password to one address. The JSON gateway is used, because only
  its results are known field by field [3P]. The answer to a submission is read as JSON and as the plain gateway's text, `OK` and then
  lines such as `session_id=1` [3P]. "OK" is documented; an `OK` without a session id leaves the drop uncertain, because nobody could
  ask for its result.
* Errors are texts that name what is missing. Their status is UNVERIFIED, so they are read under 200 and under any with which a
  request is refused. There is no list of them: one that names a field of the request is a refusal, one that speaks of the login or of
  the balance is the account's, and the wording of these two is UNVERIFIED. Every other text leaves the drop uncertain, unless its
  status refuses the account.
* There is no idempotency key and no look-up by our own reference. A drop whose answer was lost stays uncertain until its post-back
  names the session, and is never sent again.
* The post-back is unsigned, and its fields are UNVERIFIED: one field `var` with quoted values between bars, or a field for each
  value. Both are read. It proves no result; `campaign_result` does, which only the account can ask for.
* `c_date` is always `now`: a later time would have to be in Eastern Time, and the platform has calling windows of its own. Times in
  results are taken for Eastern Time too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from delivery.carriers.abilities import AccountCheck, Check, ResultPoll
from delivery.carriers.base import (
    REFUSED_ACCESS,
    Callback,
    CallbackMalformed,
    CallbackResponse,
    Carrier,
    Credential,
    DropRequest,
    address,
)
from delivery.carriers.parsing import MAX_CODE_LENGTH, MAX_ID_LENGTH, parse_text, ten_digits, throttled_for, us_number
from delivery.lifecycle.events import Outcome, Report, ReportStatus, Submission
from delivery.lifecycle.reasons import REASONS as REASON_FACTS
from delivery.lifecycle.reasons import Reason
from delivery.transport.interface import CarrierRequest, CarrierResponse

GATEWAY = "/gateway/vmb.json.php"
EASTERN = ZoneInfo("America/New_York")
TIME_FORMATS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M:%S %p",
)  # the first as in `c_date`

# "dial status" of a result and the third value of a post-back [3P]. Any other, such as that a call waits, is no result.
STATUSES: dict[str, ReportStatus] = {
    "ok": ReportStatus.DELIVERED,
    "success": ReportStatus.DELIVERED,
    "delivered": ReportStatus.DELIVERED,
    "failure": ReportStatus.FAILED,
    "failed": ReportStatus.FAILED,
    "fail": ReportStatus.FAILED,
    "undelivered": ReportStatus.FAILED,
    "not delivered": ReportStatus.FAILED,
}
# "fail reason", in lower case with single spaces. Only the first is known to be the vendor's wording; the others were read in
# receivers of post-backs [3P].
REASONS: dict[str, Reason] = {
    "unable to detect voicemail": Reason.VOICEMAIL_NOT_DETECTED,
    "no voicemail": Reason.VOICEMAIL_NOT_DETECTED,
    "voicemail full": Reason.MAILBOX_FULL,
    "mailbox full": Reason.MAILBOX_FULL,
    "busy": Reason.BUSY,
    "no answer": Reason.NO_ANSWER,
    "invalid number": Reason.NUMBER_NOT_SUPPORTED,
    "disconnected": Reason.NUMBER_NOT_SUPPORTED,  # a later attempt meets the same, or somebody else
}
# What an error message speaks of. The login's and the balance's wording is UNVERIFIED, so a word of WRONG must come with it.
LOGIN = re.compile(r"\bc_(uid|password)\b", re.IGNORECASE)
FIELD = re.compile(r"\bc_[a-z_]+\b", re.IGNORECASE)
# "messages" are what an account buys, and also what is sent: of one that failed it is not known whether it was left.
FUNDS = re.compile(
    r"\b(balance|credits?|funds|(not enough|insufficient|no( more| remaining)?) messages?)\b", re.IGNORECASE
)
ACCOUNT = re.compile(r"\b(user|login|password|e-?mail|account|credentials?)\b", re.IGNORECASE)
WRONG = re.compile(
    r"\b(missing|required|invalid|incorrect|wrong|denied|insufficient|expired|suspended|disabled|fail\w*|"
    r"not (found|enough|valid|enabled)|no (more |remaining )?(messages|credits?|funds|balance))\b",
    re.IGNORECASE,
)
MAX_ERROR = 500  # bytes of a text that is taken for an error message


class Slybroadcast(ResultPoll, AccountCheck, Carrier):
    name = "slybroadcast"
    label = "Slybroadcast"
    vendor_url = "https://www.slybroadcast.com"
    vendor_domain = "mobile-sphere.com"  # of the plain gateway (documentation.php)
    credential_fields = (
        Credential(
            "c_uid",
            "Login e-mail address",
            secret=False,
            help="With which you sign in at slybroadcast.com; API access is enabled by the vendor for each account",
            pattern=re.compile(r"[!-?A-~]+@[!-?A-~]+\.[!-?A-~]+"),
            form="an e-mail address",
        ),
        Credential(
            "c_password",
            "Password",
            help="Of the same login. The vendor has no API keys: use a login of its own for this platform",
        ),
        address(vendor_url),
    )
    one_reference = True
    acknowledgement = CallbackResponse(b"OK")  # documented; what the vendor does without it is not

    def __init__(self, credentials: Mapping[str, str]) -> None:
        super().__init__(credentials)
        self._account = {"c_uid": credentials["c_uid"], "c_password": credentials["c_password"]}

    def submit_request(self, drop: DropRequest) -> CarrierRequest:
        return self._post(
            c_method="new_campaign",
            c_phone=ten_digits(drop.recipient),
            c_callerID=ten_digits(drop.sender),
            c_date="now",
            c_url=drop.recording_url,
            c_audio="mp3",
            c_dispo_url=drop.callback_url,
        )

    def read_submission(self, response: CarrierResponse) -> Submission:
        code = f"http_{response.status}"
        if response.status == 429:  # by the standard, nothing was done; the vendor documents no limit
            wait = throttled_for(response)
            return Submission(Outcome.NOT_SENT, reason=Reason.NOT_SENT, code=code, retry_after=wait)
        if response.status != 200 and not response.refused:
            return Submission(Outcome.UNKNOWN, code=code)
        said = {} if response.refused else _answer(response.body)
        if said.get("new_campaign", "").upper() == "OK":
            session = said.get("session_id", "")
            if session:
                return Submission(Outcome.ACCEPTED, carrier_reference=session)
            return Submission(Outcome.UNKNOWN, code="no_session")
        text = _text(response.body)
        outcome, reason = _error(text)
        if reason is None and response.status in REFUSED_ACCESS:
            outcome, reason = Outcome.NOT_SENT, REFUSED_ACCESS[response.status]
        return Submission(outcome, reason=reason, code="error" if text else code, text=text)

    def read_refusal(self, response: CarrierResponse) -> Submission | None:
        """As an answer to a submission, whatever its status; a result of a session is no error."""
        return None if any(_rows(_loaded(response.body))) else self.read_submission(response)

    def result_request(self, carrier_reference: str) -> CarrierRequest:
        return self._post(c_option="campaign_result", session_id=carrier_reference)

    def read_result(self, response: CarrierResponse, attempt_key: UUID) -> Report | None:
        """The result of the session's only number; None for an answer about several, about none yet or about nobody knows which."""
        if response.status != 200:
            return None
        rows = list(_rows(_loaded(response.body)))
        if len(rows) != 1:
            return None
        [row] = rows
        status = STATUSES.get(_plain(row.get("dial status", "")))
        if status is None or not (row.get("session id") or row.get("to phone")):
            return None
        return _report(
            attempt_key,
            status,
            session=row.get("session id", ""),
            recipient=us_number(row.get("to phone", "")),
            reason=row.get("fail reason", ""),
            at=eastern_time(row.get("delivery time", "")),
        )

    def check_request(self) -> CarrierRequest:
        """A request for the number of messages that are left: documented, though its answer is not. (`user_verify` is [3P].)"""
        return self._post(remain_message="1")

    def read_check(self, response: CarrierResponse) -> Check:
        left = _messages_left(response.body) if response.status == 200 else None
        if left == 0:
            return Check(
                False,
                f"{REASON_FACTS[Reason.NO_FUNDS].detail} Slybroadcast takes the login; buy messages there.",
                Reason.NO_FUNDS,
            )
        if left is not None:
            return Check(True, f"Slybroadcast takes the login; messages left in the account: {left}.")
        text, reason = _text(response.body), self.read_submission(response).reason
        if reason is Reason.NO_FUNDS:
            return Check(False, REASON_FACTS[reason].detail, reason)
        if reason is Reason.CARRIER_ACCOUNT:
            return Check(False, f"Slybroadcast refuses the login: {text or f'HTTP {response.status}.'}", reason)
        if response.status != 200:
            return Check(
                False, f"Slybroadcast answers with HTTP {response.status}, which says nothing about the account."
            )
        said = f": {text}" if text else "."
        return Check(False, f"Slybroadcast answers, and its answer names no number of messages{said}")

    def verify(self, callback: Callback) -> bool:
        """False: the vendor signs nothing."""
        return False

    def parse(self, callback: Callback) -> list[Report]:
        if callback.drop_id is None:
            raise CallbackMalformed("The post-back came to an address that was given with no drop.")
        form = callback.form
        said = _of_bars(form["var"]) if form.get("var") else _of_fields(form)
        if not any(said.values()):
            raise CallbackMalformed(
                "The post-back has neither a field var nor fields for the session, phone or result."
            )
        return [
            _report(
                callback.drop_id,
                STATUSES.get(_plain(said["status"]), ReportStatus.FAILED if said["status"] else ReportStatus.ACCEPTED),
                session=said["session"],
                recipient=us_number(said["phone"]),
                reason=said["reason"],
                at=eastern_time(said["time"]),
            )
        ]

    def _post(self, **fields: str) -> CarrierRequest:
        headers = ("Content-Type: application/x-www-form-urlencoded", "Accept: application/json")
        return CarrierRequest("POST", f"{self.base_url}{GATEWAY}", headers, urlencode(self._account | fields).encode())


def eastern_time(text: str) -> datetime | None:
    """A vendor's time, which is Eastern Time, in UTC; None for anything else.

    In the hour that comes twice in autumn it is the first one, which is never in the future; in the hour that is skipped in spring
    the clock is taken for one that was not put forward yet.
    """
    for form in TIME_FORMATS:
        try:
            return datetime.strptime(text.strip(), form).replace(tzinfo=EASTERN).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None


def _report(
    attempt_key: UUID,
    status: ReportStatus,
    *,
    session: str,
    recipient: str,
    reason: str,
    at: datetime | None,
) -> Report:
    failed = status is ReportStatus.FAILED
    return Report(
        attempt_key=attempt_key,
        status=status,
        occurred_at=at,
        carrier_reference=session,
        reason=REASONS.get(_plain(reason), Reason.UNKNOWN) if failed else None,
        code=_plain(reason)[:MAX_CODE_LENGTH] if failed else "",
        text=reason if failed else "",
        recipient=recipient,
    )


def _of_bars(var: str) -> dict[str, str]:
    """The values of `var`: session, phone, OK or Failure, reason, time, carrier [3P]. The first two are told apart by the number,
    because their order is UNVERIFIED."""
    values = [parse_text(value).strip().strip("\"'").strip() for value in var.split("|")]
    session, phone, status, reason, time = [*values, "", "", "", "", ""][:5]
    if us_number(session) != session and us_number(phone) == phone:
        session, phone = phone, session
    return {"session": session[:MAX_ID_LENGTH], "phone": phone, "status": status, "reason": reason, "time": time}


def _of_fields(form: Mapping[str, str]) -> dict[str, str]:
    """The values of a post-back with a field for each [3P]; the result is either the word or the reason of a failure."""
    dispo = parse_text(form.get("c_dispo") or form.get("dispo"))
    return {
        "session": parse_text(form.get("c_session") or form.get("session_id"), MAX_ID_LENGTH),
        "phone": parse_text(form.get("c_phone"), 40),
        "status": dispo,
        "reason": "" if _plain(dispo) in STATUSES else dispo,
        "time": "",
    }


def _loaded(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _rows(value: Any, depth: int = 3) -> Iterator[dict[str, str]]:
    """The result rows in an answer, whatever they are wrapped in [3P]: objects with a "dial status", names with single spaces."""
    if isinstance(value, dict):
        row = {_plain(str(name)): parse_text(each) for name, each in value.items()}
        if "dial status" in row:
            yield row
            return
        value = list(value.values())
    if isinstance(value, list) and depth:
        for each in value:
            yield from _rows(each, depth - 1)


def _answer(body: bytes) -> dict[str, str]:
    """What the answer to a submission says, from a JSON object or from the plain gateway's lines."""
    loaded = _loaded(body)
    if isinstance(loaded, dict):
        return {_plain(str(name)).replace(" ", "_"): parse_text(value, MAX_ID_LENGTH) for name, value in loaded.items()}
    said = parse_text(body[:MAX_ERROR].decode(errors="replace"))
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    pairs = [line.partition("=") for line in lines[1:]]
    found = {_plain(name).replace(" ", "_"): value.strip()[:MAX_ID_LENGTH] for name, _, value in pairs}
    return found | {"new_campaign": lines[0]} if lines and lines[0].upper() == "OK" else {}


def _text(body: bytes) -> str:
    """The text of a short message, in JSON or not; empty for a page, and for anything longer."""
    if len(body) > MAX_ERROR:
        return ""
    loaded = _loaded(body)
    if isinstance(loaded, dict):
        text = " ".join(parse_text(value) for value in loaded.values())
    else:
        text = loaded if isinstance(loaded, str) else body.decode(errors="replace")
    return "" if {"<", "\ufffd"} & set(text) else " ".join(text.replace("\0", "").split())


def _error(text: str) -> tuple[Outcome, Reason | None]:
    """What an error message proves."""
    if not WRONG.search(text):
        return Outcome.UNKNOWN, None
    if LOGIN.search(text):
        return Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT
    if FIELD.search(text):
        return Outcome.REFUSED, Reason.REFUSED
    if FUNDS.search(text):
        return Outcome.NOT_SENT, Reason.NO_FUNDS
    if ACCOUNT.search(text):
        return Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT
    return Outcome.UNKNOWN, None


def _messages_left(body: bytes) -> int | None:
    """The number in the answer to a check: the only one in a message that speaks of no error; None if there is none."""
    text = _text(body)
    numbers = re.findall(r"(?<![\w.])[0-9]{1,12}(?![\w.])", text)
    return int(numbers[0]) if len(numbers) == 1 and not WRONG.search(text) else None


def _plain(text: str) -> str:
    return " ".join(text.lower().replace("_", " ").split())
