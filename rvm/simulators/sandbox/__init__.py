"""The sandbox carrier: a simulated ringless-voicemail vendor, a real HTTP service in a process of its own.

It knows nothing of our platform (no Django, no module of ours) and reaches no telephone. Our adapter
`delivery/carriers/sandbox.py` talks to it over HTTP like to any vendor. Start it with `manage.py sandbox` or
`python -m rvm.simulators.sandbox`; it listens on 127.0.0.1 only.

Every route but `GET /livez` wants `Authorization: Bearer <account key>`; errors are `{"code", "message"}`.

`POST /v1/drops`, header `Idempotency-Key` (1 to 255 printable ASCII), body
`{"to", "from", "audio_url", "reference", "callback_url"}`:
    202 `{"id", "status": "accepted"}`. The same key and body again: the same answer with `Idempotent-Replayed: true`,
        nothing is sent again. Keys are remembered for ever.
    400 `malformed`, `invalid_key` | 401 `unauthorized` | 413 `too_large` | 422 `invalid`, `refused` (never acted on) |
    422 `idempotency_conflict`: the key was used with another body; says nothing about that other drop.
    429 `throttled` with `Retry-After`, 503 `not_processed`: this request was not processed. Neither says anything about
        an earlier request with the same key. Any other 5xx, or no answer: the drop may have been accepted.
`GET /v1/drops?reference=`: 200 `{"id", "reference", "status", "code", "text", "occurred_at", "event_id"}` or
    404 `never_seen`. The youngest drop where a reference was used twice.
`GET /v1/ledger`: what was honoured; see `ledger.Ledger.summary`.
`GET /v1/faults`, `POST /v1/faults`: see `faults.py`; a POST replaces all of them.

The recording is fetched once per distinct `audio_url`. If it cannot be had, or is no MP3 of 10 to 60 seconds, the drop
is reported failed with `audio_unusable`.

Reports are POSTed to `callback_url`, up to 200 at a time: `{"events": [{"event_id", "id", "reference", "status"
(accepted, delivered, failed), "code", "text", "occurred_at"}]}`, with `X-Sandbox-Timestamp: <unix seconds>` and
`X-Sandbox-Signature: sha256=<hex HMAC-SHA256(signing secret, timestamp + "." + raw body)>`. They are repeated on
408, 429, 5xx and lost connections until a 2xx comes, also after a restart; `event_id` stays the same. Codes:
`outcomes.CODES`. Sandbox numbers: `outcomes.NUMBERS`.
"""
