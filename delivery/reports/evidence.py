"""What an unsigned callback, or a carrier's answer, must not contradict: the drop's own recipient and the carrier's own id of it."""

from __future__ import annotations

from delivery.lifecycle.events import MAX_REFERENCE, Report
from rvm.phone_numbers.numbers import e164_of
from rvm.platform.database import sql
from rvm.platform.encryption.crypto import blind_index

# The drop, and the ids by which the carrier has named it: in its answer, or in callbacks that changed no status.
_READ = """
SELECT v.workspace_id, v.recipient_index, ARRAY[d.carrier_reference] || ARRAY(
         SELECT r.carrier_reference::text FROM delivery_carrierreport r WHERE r.drop_id = d.id AND r.setup_id = d.setup_id)
  FROM delivery_drop d JOIN delivery_voicemail v ON v.id = d.voicemail_id WHERE d.id = %s
"""


def contradiction(report: Report, *, one_reference: bool) -> str:
    """What the report contradicts of the drop whose attempt key it has, as the end of a sentence; "" if nothing.

    `one_reference`: the carrier names a drop by one id throughout. Recipients are compared by their blind index, so that no number is
    decrypted, and erased people can be told apart too.
    """
    if not report.recipient and not (one_reference and report.carrier_reference):
        return ""
    found = sql.run(_READ, [report.attempt_key])
    if not found:
        return ""
    [(workspace_id, recipient_index, references)] = found
    if report.recipient:
        number = e164_of(report.recipient)
        if number is None or bytes(recipient_index) not in blind_index().all_of(workspace_id, number):
            return "names another number than the drop's"
    known = set(references) - {""}
    if one_reference and report.carrier_reference and known and report.carrier_reference[:MAX_REFERENCE] not in known:
        return "names the drop by another id of the carrier than before"
    return ""
