"""The sandbox carrier: a simulated ringless-voicemail vendor, a real HTTP service in a process of its own.

It uses neither Django nor modules of the platform, and reaches no telephone. The adapter
`delivery/carriers/sandbox.py` uses it over HTTP like any vendor. Start it with `manage.py sandbox` or
`python -m rvm.simulators.sandbox`; it listens on 127.0.0.1 only.

Every route except `GET /livez` requires `Authorization: Bearer <account key>`; errors are `{"code", "message"}`.

`POST /v1/drops`, header `Idempotency-Key` (1 to 255 printable ASCII), body
`{"to", "from", "audio_url", "reference", "callback_url"}`:
    202 `{"id", "status": "accepted"}`. A repeated key and body: the same response with `Idempotent-Replayed: true`,
        and nothing is sent again. Keys never expire.
    400 `malformed`, `invalid_key` | 401 `unauthorized` | 413 `too_large` | 422 `invalid`, `refused` (never acted on) |
    422 `idempotency_conflict`: the key was used with another body; the drop of that body is unaffected.
    429 `throttled` with `Retry-After`, 503 `not_processed`: this request was not processed, but an earlier request with
        the same key may have been. Any other 5xx, or no response: the drop may have been accepted.
`GET /v1/drops?reference=`: 200 `{"id", "reference", "status", "code", "text", "occurred_at", "event_id"}` or
    404 `never_seen`. If a reference was used twice, the newest drop.
`GET /v1/ledger`: counts of honoured drops; see `ledger.Ledger.summary`.
`GET /v1/faults`, `POST /v1/faults`: see `faults.py`; a POST replaces all faults.

The recording is fetched once per distinct `audio_url`. If it cannot be fetched, or is not an MP3 of 10 to 60 seconds,
the drop is reported as failed with `audio_unusable`.

Reports are POSTed to `callback_url`, up to 200 at a time, those of URLs that differ in the last part of their path only
together, to one of them: `{"events": [{"event_id", "id", "reference", "status"
(accepted, delivered, failed), "code", "text", "occurred_at"}]}`, with `X-Sandbox-Timestamp: <unix seconds>` and
`X-Sandbox-Signature: sha256=<hex HMAC-SHA256(signing secret, timestamp + "." + raw body)>`. They are repeated on
408, 429, 5xx and lost connections until a 2xx response, also after a restart; `event_id` stays the same. Codes:
`outcomes.CODES`. Sandbox numbers: `outcomes.NUMBERS`.
"""
