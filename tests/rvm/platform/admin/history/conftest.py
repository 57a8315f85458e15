"""Fixtures of the tests of rows' histories: those of the records."""

from tests.rvm.platform.admin.records.conftest import desk, maria, reader, workspace

__all__ = ["desk", "maria", "reader", "workspace"]
