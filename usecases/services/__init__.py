"""Services of this layer: keyword-only, atomic and audited. They raise `rvm.platform.errors.ServiceError`, or Django's
ValidationError if a value breaks a rule of its column."""

from usecases.services.phone_numbers import (
    add_phone_number,
    assign_number,
    remove_phone_number,
    state_ownership,
    unassign_number,
    update_phone_number,
)
from usecases.services.setups import delete_setup
from usecases.services.use_cases import confirm_consent, create_use_case, delete_use_case, update_use_case

__all__ = [
    "add_phone_number",
    "assign_number",
    "confirm_consent",
    "create_use_case",
    "delete_setup",
    "delete_use_case",
    "remove_phone_number",
    "state_ownership",
    "unassign_number",
    "update_phone_number",
    "update_use_case",
]
