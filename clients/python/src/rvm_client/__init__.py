"""Client of RVM, the open ringless-voicemail platform."""

from rvm_client.client import Client, NotConfigured
from rvm_client.errors import (
    BadRequest,
    Blocked,
    Conflict,
    ConnectionFailed,
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    NotVerified,
    PreconditionFailed,
    Problem,
    RateLimited,
    RvmError,
    ServerFault,
    TooLarge,
    Unauthenticated,
    Unavailable,
    UnexpectedAnswer,
)
from rvm_client.retries import Retries

__all__ = [
    "BadRequest",
    "Blocked",
    "Client",
    "Conflict",
    "ConnectionFailed",
    "FieldError",
    "Forbidden",
    "Invalid",
    "NotConfigured",
    "NotFound",
    "NotVerified",
    "PreconditionFailed",
    "Problem",
    "RateLimited",
    "Retries",
    "RvmError",
    "ServerFault",
    "TooLarge",
    "Unauthenticated",
    "Unavailable",
    "UnexpectedAnswer",
]
