"""Base of the views of this layer and those above: problems, and rows found only in the caller's workspace and world."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from uuid import UUID

from rvm.platform.api.problem_codes import ProblemCode
from rvm.platform.api.views import ApiView
from rvm.platform.errors import ServiceError
from usecases import selectors
from usecases.api.problem_codes import USE_CASE_PROBLEMS
from usecases.models import PhoneNumber, TelephonySetup, UseCase


class UseCasesView(ApiView):
    """The base view. Its `find_` and `own_` methods raise ServiceError for a row that is not in the caller's workspace and world."""

    problems: ClassVar[Mapping[str, ProblemCode]] = {**ApiView.problems, **USE_CASE_PROBLEMS}

    def find_use_case(self, use_case_id: UUID) -> UseCase:
        use_case = selectors.use_case(self.workspace, use_case_id)
        if use_case is None:
            raise ServiceError("use_case_not_found", selectors.NO_SUCH_USE_CASE)
        return use_case

    def require_use_case(self, use_case_id: UUID) -> None:
        """Check that there is such a use case, before work that takes long."""
        if not selectors.has_use_case(self.workspace, use_case_id):
            raise ServiceError("use_case_not_found", selectors.NO_SUCH_USE_CASE)

    def find_writable_use_case(self, use_case_id: UUID) -> UseCase:
        """A use case that the caller may change. A test key may read and send under all use cases (through the sandbox), but may
        change only those of sandbox setups."""
        use_case = self.find_use_case(use_case_id)
        self.require_world(
            use_case.live,
            "People are reached under this use case, and a test key changes only use cases of sandbox setups; use a live key.",
        )
        return use_case

    def find_setup(self, setup_id: UUID, field: str = "") -> TelephonySetup:
        found = selectors.setups(self.workspace, live=self.reach)
        message = self.not_found_message(selectors.NO_SUCH_SETUP)
        return self.get_row(found, setup_id, message, "setup_not_found", field)

    def find_phone_number(self, phone_number_id: UUID) -> PhoneNumber:
        found = selectors.phone_numbers(self.workspace, live=self.reach)
        return self.get_row(found, phone_number_id, self.not_found_message("This workspace has no such phone number."))
