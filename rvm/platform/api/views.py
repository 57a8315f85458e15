"""The base of every view under /v1/{workspace_id}/: key, workspace, world, scope, rate, bounded body, idempotency.

Test and live are two worlds in one workspace. Rows that only one of them has (voicemails, campaigns and what belongs to them) say so
themselves (`live`), telephony setups by their carrier. Which of them a key finds is asked here and nowhere else: by `reach` where a
request names a row, by `world` where it asks for a list, by `require_own` where it would change what both may read. The selectors of
such rows take the answer (`live`) and none has a default, so that no view can forget to ask.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NoReturn, cast

from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from rvm.platform.api import problem_codes as codes
from rvm.platform.api.idempotency import once_per_key
from rvm.platform.api.problem_codes import ProblemCode
from rvm.platform.api.problems import FieldError, Problem
from rvm.platform.api.rate_limit import KeyThrottle
from rvm.platform.errors import ServiceError
from rvm.platform.models import ApiKey, User, Workspace
from rvm.platform.scopes import Scope
from rvm.platform.uploads import MAX_FORM_BYTES, BoundedMemoryUploadHandler

ONLY_TEST_ROWS = "A test key finds test rows only; for live ones use a live key."


class ApiView(APIView):
    """A view declares `required_scopes` by method and handles `request`; every POST that changes something honours Idempotency-Key.

    `upload_handler` takes its files, and says how large they may be. `problems` are the codes of ServiceError that have a problem of
    their own; any other is about one field."""

    required_scopes: ClassVar[Mapping[str, Scope]] = {}
    problems: ClassVar[Mapping[str, ProblemCode]] = {codes.NOT_FOUND.code: codes.NOT_FOUND}
    upload_handler: ClassVar[type[BoundedMemoryUploadHandler]] = BoundedMemoryUploadHandler
    throttle_classes = [KeyThrottle]
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    post: ClassVar[Callable[..., HttpResponseBase]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Decorate each handler of POST, so that no view can forget to."""
        super().__init_subclass__(**kwargs)
        if "post" in vars(cls):
            cls.post = once_per_key(cls.post)

    @property
    def key(self) -> ApiKey:
        """The caller's key."""
        return cast(ApiKey, self.request.auth)

    @property
    def workspace(self) -> Workspace:
        return self.key.workspace

    @property
    def actor(self) -> User:
        """The service user that audit rows name."""
        return self.key.user

    @property
    def reach(self) -> bool | None:
        """Of which world are the rows that the caller may name: False is test, None both. A live row is none for a test key."""
        return None if self.key.live else False

    def world(self, asked: bool | None) -> bool:
        """Of which world are the rows of a list for which the caller `asked` with `live`: unasked, of the key's own.

        Raises Problem where a test key asks for live ones."""
        if asked is None:
            return self.key.live
        self.require_own(asked, f"Live rows were asked for. {ONLY_TEST_ROWS}")
        return asked

    def require_own(self, live: bool, sentence: str) -> None:
        """Raise the Problem with this sentence where the row is a live one and the key a test key."""
        if live and not self.key.live:
            raise Problem(codes.TEST_KEY, sentence)

    def absent(self, sentence: str) -> str:
        """Why no row was found: a test key is told too that it would not find a live one."""
        return sentence if self.key.live else f"{sentence} {ONLY_TEST_ROWS}"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        _bound_body(request, self.upload_handler.max_bytes + MAX_FORM_BYTES)
        request._request.upload_handlers = [self.upload_handler(request._request)]

    def handle_exception(self, exc: Exception) -> Response:
        return super().handle_exception(self.problem(exc) if isinstance(exc, ServiceError) else exc)

    def problem(self, error: ServiceError) -> Problem:
        """The problem that a service's refusal is answered with."""
        errors = [FieldError(f"/{error.field}", error.code, error.sentence)] if error.field else []
        code = self.problems.get(error.code, codes.INVALID_REQUEST)
        return Problem(code, error.sentence, errors=errors, extra=error.facts)

    def sent(self, serializer_class: type[BaseSerializer[Any]], *, partial: bool = False) -> dict[str, Any]:
        """What the body holds, by this serializer. Raises ValidationError."""
        body = serializer_class(data=self.request.data, partial=partial)
        body.is_valid(raise_exception=True)
        data: dict[str, Any] = body.validated_data
        return data

    def throttled(self, request: Request, wait: float) -> NoReturn:
        raise Problem(codes.RATE_LIMITED)


def _bound_body(request: Request, most: int) -> None:
    """Refuse before reading: a body that may never end, and one that announces more than the view takes."""
    if request.headers.get("Transfer-Encoding"):
        raise Problem(codes.LENGTH_REQUIRED)
    announced = int(request.META.get("CONTENT_LENGTH") or 0)
    if announced > most:
        raise Problem(codes.UPLOAD_TOO_LARGE, f"The body announces {announced:,} bytes; at most {most:,} are read.")
