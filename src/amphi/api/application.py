"""The API's one application: its operations, and a problem for each family of errors."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja.errors import HttpError, ValidationError

from amphi.api import administration, attendance, audience, meetings, replays, webinars
from amphi.api.documents import DocumentedAPI
from amphi.api.door import Scope, TokenRequest
from amphi.api.problems import Problem, of_validation
from amphi.api.schemas import Me
from amphi.audience.exceptions import AudienceError, ReplayError, TooManyMessagesError, TooManyVoicesError
from amphi.meetings.exceptions import MeetingError, MeetingServerError
from amphi.webinars.exceptions import MeetingDeletedError

DESCRIPTION = """Meetings, webinars and their audience, for other programs.

Send a token of your account: `Authorization: Bearer amphi_…`. It opens what its scopes name, and never more than you may do yourself.
Lists have pages: send `next` of one as `cursor` for the following. A POST with an `Idempotency-Key` may be sent again. Errors are
problems by RFC 9457, in the language of Accept-Language."""

api = DocumentedAPI(
    title="Amphi",
    version="1",
    description=DESCRIPTION,
    docs_url=None,
    openapi_url=None,
    urls_namespace="api",
)
api.add_router("/meetings", meetings.router, tags=["meetings"])
api.add_router("/webinars", webinars.router, tags=["webinars"])
api.add_router("", attendance.router, tags=["attendance"])
api.add_router("/events", audience.router, tags=["audience"])
api.add_router("/events", replays.router, tags=["replays"])
api.add_router("", administration.router, tags=["administration"])


@api.get(
    "/me", response=Me, auth=Scope(), tags=["token"], operation_id="me", summary="The token and its account"
)
def me(request: TokenRequest) -> dict[str, object]:
    """The token and its account."""
    token, user = request.token, request.user
    return {
        "username": user.get_username(),
        "name": str(user),
        "token": token.name,
        "scopes": token.scopes,
        "expires_at": token.expires_at,
    }


# --- errors


@api.exception_handler(Problem)
def _problem(_request: HttpRequest, error: Problem) -> HttpResponse:
    return error.response()


@api.exception_handler(ValidationError)
def _invalid(_request: HttpRequest, error: ValidationError) -> HttpResponse:
    return of_validation(error.errors).response()


@api.exception_handler(HttpError)
def _unreadable(_request: HttpRequest, error: HttpError) -> HttpResponse:
    return Problem(error.status_code, "unreadable").response()


@api.exception_handler(Http404)
def _not_found(_request: HttpRequest, _error: Http404) -> HttpResponse:
    return Problem(404, "not_found").response()


@api.exception_handler(PermissionDenied)
def _denied(_request: HttpRequest, _error: PermissionDenied) -> HttpResponse:
    return Problem(403, "denied", _("Your account may not do this.")).response()


@api.exception_handler(MeetingError)
def _meeting(_request: HttpRequest, error: MeetingError) -> HttpResponse:
    if isinstance(error, MeetingDeletedError):
        return Problem(404, "deleted", str(error)).response()
    if isinstance(error, MeetingServerError):
        return Problem(502, "meeting_server", str(error)).response()
    return Problem(409, "refused", str(error)).response()


@api.exception_handler(AudienceError)
def _audience(_request: HttpRequest, error: AudienceError) -> HttpResponse:
    code = getattr(error, "code", "refused")
    if isinstance(error, TooManyMessagesError | TooManyVoicesError):
        return Problem(429, code, str(error), headers={"Retry-After": "60"}).response()
    if isinstance(error, ReplayError) or code in {"empty", "too_long", "invalid"}:
        return Problem(422, code, str(error)).response()
    return Problem(409, code, str(error)).response()
