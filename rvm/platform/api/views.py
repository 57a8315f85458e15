"""The base of every view under /v1/{workspace_id}/: key, workspace, world, scope, rate limit, bounded body, idempotency.

Test and live are two worlds in one workspace. Rows that belong to one world (voicemails, campaigns and their parts) have a column
`live`; the world of a telephony setup follows from its carrier. This module alone decides which rows a key finds: `reach` for a
request that names a row, `world` for a list, `require_world` for a change of rows that both worlds can read. Selectors of such rows
require the argument `live`, so that no view can omit it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime
from typing import Any, ClassVar, TypeVar, cast
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from rvm.platform import number_questions
from rvm.platform.api import problem_codes as codes
from rvm.platform.api.compatibility.prefix import is_compatible
from rvm.platform.api.fields import StrictSerializer
from rvm.platform.api.idempotency import once_per_key
from rvm.platform.api.permissions import has_handler, operation_of
from rvm.platform.api.problem_codes import ProblemCode, by_code
from rvm.platform.api.problems import FieldError, Problem
from rvm.platform.api.rate_limit import Policy, count, policy_for
from rvm.platform.api.schema.deprecation import Deprecation
from rvm.platform.database.heavy_requests import RETRY_SECONDS, Busy, kept, place
from rvm.platform.errors import ServiceError
from rvm.platform.models import ApiKey, User, Workspace
from rvm.platform.scopes import Scope
from rvm.platform.uploads import MAX_FORM_BYTES, BoundedMemoryUploadHandler

Found = TypeVar("Found", bound=Model)
# Filters by what is masked for keys without `numbers:read`.
IDENTIFYING = frozenset({"recipient_phone_number", "record_number"})
ONLY_TEST_ROWS = "A test key finds test rows only; for live ones use a live key."


class ApiView(APIView):
    """The base view. Subclasses declare `required_scopes` by method; every POST that changes something honours Idempotency-Key.

    `heavy` names the methods that take long, of which a few are answered at once (`rvm/platform/database/heavy_requests.py`).
    `upload_handler` receives files and limits their size. `problems` maps codes of ServiceError to problems; any other code becomes
    `invalid_request`. `rate_policy`: None for the limits of reading and writing.
    `query_class` parses the query string of GETs; None where they have none. `bodiless` names the methods that read no body.
    `creates_row`: POST responds with 201 and the `Location` of a row. `makes_row`: it makes one although its scope only reads.
    `deprecations` by method; a deprecated operation says so in headers.
    """

    required_scopes: ClassVar[Mapping[str, Scope]] = {}
    heavy: ClassVar[frozenset[str]] = frozenset()
    problems: ClassVar[Mapping[str, ProblemCode]] = by_code(
        codes.NOT_FOUND, codes.QUOTA_USED_UP, codes.NUMBER_QUESTIONS_USED_UP, codes.UNAVAILABLE
    )
    rate_policy: ClassVar[Policy | None] = None
    creates_row: ClassVar[bool] = False
    makes_row: ClassVar[bool] = False
    query_class: ClassVar[type[StrictSerializer] | None] = None
    bodiless: ClassVar[frozenset[str]] = frozenset({"DELETE"})
    deprecations: ClassVar[Mapping[str, Deprecation]] = {}
    upload_handler: ClassVar[type[BoundedMemoryUploadHandler]] = BoundedMemoryUploadHandler
    http_method_names = ["get", "head", "post", "put", "patch", "delete", "options"]
    post: ClassVar[Callable[..., HttpResponseBase]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Decorate each POST handler with `once_per_key`, so that no view can omit it."""
        super().__init_subclass__(**kwargs)
        if "post" in vars(cls):
            cls.post = once_per_key(cls.post)

    @property
    def key(self) -> ApiKey:
        """The caller's key."""
        return cast(ApiKey, self.request.auth)

    @property
    def asked_at(self) -> datetime:
        """The time at which the caller's key was looked up: that of a request which is answered within milliseconds."""
        at: datetime = vars(self.key)["asked_at"]
        return at

    @property
    def workspace(self) -> Workspace:
        return self.key.workspace

    @property
    def actor(self) -> User:
        """The service user, which audit events name as actor."""
        return self.key.user

    @property
    def compatible(self) -> bool:
        """Whether the response is one that clients of the reference platform understand."""
        return is_compatible(self.request)

    @property
    def may_see_numbers(self) -> bool:
        return Scope.NUMBERS_READ in self.key.scopes

    @property
    def default_response_headers(self) -> dict[str, str]:
        """DRF's, and those of a deprecated operation; failures have them too."""
        headers: dict[str, str] = super().default_response_headers
        deprecation = self.deprecations and self.deprecations.get(operation_of(self, self.request))
        return {**headers, **deprecation.headers} if deprecation else headers

    def ask_by_number(self, by: str, count: int = 1) -> None:
        """Count questions by number of a key that may not see numbers, and record them. Raises ServiceError beyond a day's."""
        if not self.may_see_numbers:
            number_questions.ask(self.actor, [self.workspace], by, count)

    def ask_by_filters(self, filters: Mapping[str, Any], by: str) -> None:
        """Count a filter by what only who may see numbers is shown. Raises ServiceError."""
        if not IDENTIFYING.isdisjoint(filters):
            self.ask_by_number(by)

    @property
    def reach(self) -> bool | None:
        """The world of the rows that the caller may name: False is test only, None both. A test key does not find live rows."""
        return None if self.key.live else False

    def world(self, asked: bool | None) -> bool:
        """The world of a list's rows: `asked` is the caller's `live`, by default the key's own world.

        Raises Problem if a test key asks for live rows.
        """
        if asked is None:
            return self.key.live
        self.require_world(asked, f"Live rows were asked for. {ONLY_TEST_ROWS}")
        return asked

    def require_world(self, live: bool, message: str) -> None:
        """Raise Problem with this message if the row is live and the key is a test key."""
        if live and not self.key.live:
            raise Problem(codes.TEST_KEY, message)

    def get_row(
        self, rows: QuerySet[Found], row_id: UUID, message: str, code: str = codes.NOT_FOUND.code, field: str = ""
    ) -> Found:
        """The row with this id. Raises ServiceError with the message where `rows` have none."""
        row = rows.filter(pk=row_id).first()
        if row is None:
            raise ServiceError(code, message, field=field)
        return row

    def not_found_message(self, message: str) -> str:
        """The message for a row that was not found; for a test key it adds that test keys find test rows only."""
        return message if self.key.live else f"{message} {ONLY_TEST_ROWS}"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # Before DRF's negotiation and permissions, so that what they refuse is counted too and says where the key stands.
        self.perform_authentication(request)
        self._count(request)
        super().initial(request, *args, **kwargs)
        _require_utf8(request)
        _bound_body(request, self.upload_handler.max_bytes + MAX_FORM_BYTES)
        request._request.upload_handlers = [self.upload_handler()]
        if has_handler(self, request):
            self._require_read_fields(request)
        if operation_of(self, request) in self.heavy:
            self.take_place()

    def _count(self, request: Request) -> None:
        """Count the request of a key; all later answers have the headers. Raises Problem beyond the limit."""
        if not isinstance(request.auth, ApiKey):
            return  # refused by the permissions
        status = count(request.auth.pk, self.rate_policy or policy_for(request.method))
        if status is None:
            return
        self.headers.update(status.headers)
        if status.exceeded:
            raise Problem(codes.RATE_LIMITED)

    def _require_read_fields(self, request: Request) -> None:
        """Raise ValidationError for what nobody reads: parameters in an address but of a GET with a `query_class`, and a body where
        there is none."""
        if request.META.get("QUERY_STRING") and (self.query_class is None or request.method not in SAFE_METHODS):
            StrictSerializer(data=request.query_params).is_valid(raise_exception=True)
        if request.method in self.bodiless:
            StrictSerializer(data=request.data).is_valid(raise_exception=True)

    def take_place(self) -> None:
        """Hold one of the workspace's places for heavy requests until the response is sent. Raises Problem."""
        try:
            self._places.enter_context(place(self.workspace.pk))
        except Busy as busy:
            code = codes.TOO_MANY_AT_ONCE if busy.own else codes.UNAVAILABLE
            raise Problem(code, busy.message, headers={"Retry-After": str(RETRY_SECONDS)}) from busy

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with ExitStack() as self._places:
            response = super().dispatch(request, *args, **kwargs)
            if isinstance(response, Response):
                response.add_post_render_callback(_release)
            return kept(response, self._places)

    def handle_exception(self, exc: Exception) -> Response:
        return super().handle_exception(self.problem(exc) if isinstance(exc, ServiceError) else exc)

    def problem(self, error: ServiceError) -> Problem:
        """The problem response for a ServiceError."""
        errors = [FieldError(f"/{error.field}", error.code, error.message)] if error.field else []
        code = self.problems.get(error.code, codes.INVALID_REQUEST)
        return Problem(code, error.message, errors=errors, extra=error.facts)

    def options(self, request: Request, *args: Any, **kwargs: Any) -> Response:  # type: ignore[override]  # DRF's
        """The methods of the address, in `Allow`."""
        return Response(status=204)

    def read_body(self, serializer_class: type[BaseSerializer[Any]], *, partial: bool = False) -> dict[str, Any]:
        """The validated data of the request body. Raises ValidationError."""
        body = serializer_class(data=self.request.data, partial=partial)
        body.is_valid(raise_exception=True)
        data: dict[str, Any] = body.validated_data
        return data


def _release(response: Any) -> None:
    """Let go of the view, its request and the data of a rendered response, which refer to each other.

    They would stay until a garbage collection, and the rows of some hundred pages then take it a tenth of a second.
    """
    view: ApiView = response.renderer_context["view"]
    view.request.parser_context = {}
    vars(view).clear()
    response.renderer_context, response.data = {}, None


def _require_utf8(request: Request) -> None:
    """Raise Problem for a charset other than UTF-8, in which Django would read the query and no parser the body."""
    charset = (request._request.content_params or {}).get("charset", "utf-8")
    if charset.lower() not in ("utf-8", "utf8"):
        raise Problem(codes.UNSUPPORTED_MEDIA_TYPE, "Text is read as UTF-8 only; send it so, and leave `charset` out.")


def _bound_body(request: Request, most: int) -> None:
    """Raise Problem, before reading, for a body of unknown length or with an announced length above `most` bytes."""
    if request.headers.get("Transfer-Encoding"):
        raise Problem(codes.LENGTH_REQUIRED)
    announced = int(request.META.get("CONTENT_LENGTH") or 0)
    if announced > most:
        raise Problem(codes.UPLOAD_TOO_LARGE, f"The body announces {announced:,} bytes; at most {most:,} are read.")
