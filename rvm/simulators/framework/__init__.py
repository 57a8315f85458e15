"""What all simulated vendors share. A vendor is one module of `rvm.simulators.vendors` with its routes and documented behaviour.

A new one is a subclass `Simulator` of `vendor.Vendor`, or of `calls.CallingVendor` where the vendor rings:

* `operations` names each route as "METHOD /path/{part}" with its handler, and `fixtures/carriers/<name>/requests.json` has the
  vendor's published schema of each: every request is checked against it before the handler sees it (`schemas.py`). What does not
  fit gets `malformed`, the vendor's own error, and an entry in `ledger.violations`, which a test asserts to be empty.
* `credentials` are those of a setup at this simulator, made by `secret(...)` from one secret in place of constants.
* A handler that takes a drop asks `plan(to)` how it is to end, `refusal(to, plan)` whether it is refused first, and ends with
  `await answer(request, plan, response)`, so that the sandbox numbers end alike through every vendor.
* `spawn(...)` runs what comes later, `await clock.sleep(seconds)` waits in the vendor's seconds, `outbound` posts results and
  fetches recordings, and `ledger` keeps what reached whom.

Tests run one with `service.running(Simulator)`, people with `manage.py simulator NAME`.
"""
