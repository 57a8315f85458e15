"""Fixtures of the tests of the audit's API: those of the audit."""

from tests.rvm.platform.audit.conftest import maria

__all__ = ["maria"]
