"""BBB's HTTP API: each call reads its parameters, performs one action of the classroom, and answers in XML.

Source: https://docs.bigbluebutton.org/development/api/
"""

import json
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from amphi.classroom import checksum, documents, parameters, replies
from amphi.classroom.api_replies import describe_creation, describe_hook, describe_info, describe_join
from amphi.classroom.exceptions import ApiError
from amphi.classroom.rooms import JoinRequest, Meeting, Role
from amphi.classroom.service import Classroom

BASE = "/bigbluebutton/api"
MAX_BODY_BYTES = 45 * 1024 * 1024  # a PDF of 30 MB in base64, in XML
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
XML_TYPES = ("application/xml", "text/xml")
Parameters = dict[str, str]
Call = Callable[[Classroom, Parameters, bytes], Response]


def xml(text: str) -> Response:
    return Response(text, media_type="text/xml", headers={"Cache-Control": "no-cache, no-store"})


def failed(error: ApiError) -> Response:
    return xml(replies.failure(error.key, error.message))


async def _body(request: Request) -> tuple[Parameters, bytes]:
    """The parameters of a form, or the bytes of an XML body."""
    if request.method != "POST":
        return {}, b""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if int(request.headers.get("content-length") or 0) > MAX_BODY_BYTES:
        raise ApiError("validationError", "The body is too long")
    if kind in FORM_TYPES:
        async with request.form() as form:
            return {name: value for name, value in form.items() if not isinstance(value, UploadFile)}, b""
    content = await request.body()
    if kind in XML_TYPES or not content:
        return {}, content
    raise ApiError("unsupportedContentType", "POST request Content-Type is missing or unsupported")


def _raw_query(request: Request) -> str:
    query: bytes = request.scope.get("query_string", b"")
    return query.decode("latin-1")


def _endpoint(name: str, call: Call) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        classroom: Classroom = request.app.state.classroom
        try:
            form, body = await _body(request)
            digests = (
                classroom.config.profile.hook_digests if name.startswith("hooks/") else checksum_digests()
            )
            query = _raw_query(request)
            signed = checksum.verify(name, query, form, secret=classroom.config.secret, digests=digests)
            return call(classroom, signed, body)
        except ApiError as error:
            return failed(error)

    return endpoint


def checksum_digests() -> tuple[str, ...]:
    return tuple(checksum.DIGEST_BY_LENGTH.values())


async def version(request: Request) -> Response:
    classroom: Classroom = request.app.state.classroom
    profile = classroom.config.profile
    fields: dict[str, replies.Value] = {"version": "2.0", "apiVersion": "2.0", "bbbVersion": profile.version}
    if profile.send_chat_message:
        fields |= {"html5PluginSdkVersion": "0.0.1", "graphqlWebsocketUrl": "", "graphqlApiUrl": ""}
    return xml(replies.success(fields))


def create(classroom: Classroom, query: Parameters, body: bytes) -> Response:
    options = parameters.meeting_options(query)
    given = documents.parse(body) + documents.pre_uploaded(query)
    creation = classroom.create(options, given)
    return xml(replies.success(describe_creation(creation)))


def end(classroom: Classroom, query: Parameters, _body: bytes) -> Response:
    classroom.end(classroom.rooms.open_meeting(parameters.meeting_id(query)))
    message = (
        "A request to end the meeting was sent.  Please wait a few seconds, and then use the getMeetingInfo or "
        "isMeetingRunning API calls to verify that it was ended."
    )
    return xml(replies.success({"messageKey": "sentEndMeetingRequest", "message": message}))


def is_meeting_running(classroom: Classroom, query: Parameters, _body: bytes) -> Response:
    meeting = classroom.rooms.find(parameters.meeting_id(query))
    return xml(replies.success({"running": meeting is not None and meeting.running}))


def get_meeting_info(classroom: Classroom, query: Parameters, _body: bytes) -> Response:
    return xml(replies.success(describe_info(classroom.rooms.get(parameters.meeting_id(query)))))


def get_meetings(classroom: Classroom, _query: Parameters, _body: bytes) -> Response:
    meetings: list[replies.Value] = [describe_info(meeting) for meeting in classroom.rooms]
    if not meetings:
        message = "no meetings were found on this server"
        return xml(replies.success({"meetings": {}, "messageKey": "noMeetings", "message": message}))
    return xml(replies.success({"meetings": {"meeting": meetings}}))


def get_recordings(_classroom: Classroom, _query: Parameters, _body: bytes) -> Response:
    message = "There are no recordings for the meeting(s)."
    return xml(replies.success({"recordings": {}, "messageKey": "noRecordings", "message": message}))


def insert_document(classroom: Classroom, query: Parameters, body: bytes) -> Response:
    meeting = classroom.rooms.open_meeting(parameters.meeting_id(query))
    classroom.insert_documents(meeting, documents.parse(body))
    message = "Presentation is being uploaded"
    return xml(replies.success({"messageKey": "presentationUploaded", "message": message}))


def send_chat_message(classroom: Classroom, query: Parameters, _body: bytes) -> Response:
    call = parameters.chat_call(query)
    meeting = classroom.rooms.find(call.meeting_id)
    if meeting is None or meeting.ended_at is not None:
        raise ApiError("meetingNotFound", "A meeting with that ID does not exist")
    classroom.say_by_api(meeting, call.text, call.sender)
    return xml(replies.success({"messageKey": "", "message": ""}))


def hooks_create(classroom: Classroom, query: Parameters, _body: bytes) -> Response:
    address = query.get("callbackURL", "").strip()
    if not address:
        raise ApiError("missingParamCallbackURL", "You must specify a callbackURL in the parameters.")
    if not parameters.web_address(address):
        raise ApiError("createHookError", "An error happened while creating your hook. Check the logs.")
    raw = parameters.flag(query, "getRaw")
    hook, existed = classroom.hooks.create(
        address, query.get("meetingID", ""), query.get("eventID", ""), raw=raw
    )
    if existed:
        message = "There is already a hook for this callback URL."
        return xml(
            replies.success({"hookID": hook.hook_id, "messageKey": "duplicateWarning", "message": message})
        )
    return xml(replies.success({"hookID": hook.hook_id, "permanentHook": False, "rawData": hook.raw}))


def hooks_list(classroom: Classroom, query: Parameters, _body: bytes) -> Response:
    wanted = query.get("meetingID", "")
    shown: list[replies.Value] = [
        describe_hook(hook) for hook in classroom.hooks if not wanted or hook.meeting_id in {"", wanted}
    ]
    return xml(replies.success({"hooks": {"hook": shown}}))


def hooks_destroy(classroom: Classroom, query: Parameters, _body: bytes) -> Response:
    hook_id = query.get("hookID", "").strip()
    if not hook_id:
        raise ApiError("missingParamHookID", "You must specify a hookID in the parameters.")
    if not classroom.hooks.destroy(hook_id):
        raise ApiError("destroyMissingHook", "The hook informed was not found.")
    classroom.delivery.forget(hook_id)
    return xml(replies.success({"removed": True}))


def _role(meeting: Meeting, query: Parameters) -> Role:
    role, password = query.get("role", "").upper(), query.get("password", "")
    if password == meeting.options.moderator_password or (not password and role == "MODERATOR"):
        return "MODERATOR"
    if password == meeting.options.attendee_password or (not password and role in {"VIEWER", "ATTENDEE"}):
        return "VIEWER"
    raise ApiError("invalidPassword", "The provided password is neither a moderator or attendee password")


def _join_request(classroom: Classroom, meeting: Meeting, query: Parameters) -> JoinRequest:
    prefix = "userdata-"
    new = classroom.config.profile.bot
    return JoinRequest(
        name=query["fullName"].strip()[:200],
        role=_role(meeting, query),
        external_id=query.get("userID", "").strip(),
        bot=new and parameters.flag(query, "bot"),
        guest=parameters.flag(query, "guest"),
        layout=query.get("enforceLayout", "") if new else "",
        logout_url=parameters.web_address(query.get("logoutURL", "")) if new else "",
        userdata={
            name.removeprefix(prefix): value for name, value in query.items() if name.startswith(prefix)
        },
    )


def _joined(classroom: Classroom, query: Parameters) -> Response:
    if not query.get("fullName", "").strip():
        raise ApiError("missingParamFullName", "You must provide your name")
    meeting = classroom.rooms.find(parameters.meeting_id(query))
    if meeting is None:
        message = "The meeting ID that you supplied did not match any existing meetings"
        raise ApiError("invalidMeetingIdentifier", message)
    created = query.get("createTime", "")
    if created and created != str(meeting.create_time_ms):
        message = "The createTime parameter submitted mismatches with the current meeting."
        raise ApiError("mismatchCreateTimeParam", message)
    participant = classroom.join(meeting, _join_request(classroom, meeting, query))
    url = f"{classroom.config.url}/html5client/?{urlencode({'sessionToken': participant.session_token})}"
    if query.get("redirect", "").lower() == "false":
        return xml(replies.success(describe_join(meeting, participant, url)))
    return RedirectResponse(url, status_code=302, headers={"Cache-Control": "no-store"})


def _refused(classroom: Classroom, query: Parameters, error: ApiError) -> Response:
    """The answer for a browser that may not join. Only a signed call may redirect to another site."""
    if query.get("redirect", "").lower() == "false":
        return failed(error)
    meeting = classroom.rooms.find(query.get("meetingID", ""))
    target = parameters.web_address(query.get("errorRedirectUrl", "")) or (
        meeting.options.logout_url if meeting else ""
    )
    target = target or f"{classroom.config.url}/html5client/refused"
    errors = json.dumps([{"key": error.key, "message": error.message}], separators=(",", ":"))
    separator = "&" if "?" in target else "?"
    return RedirectResponse(f"{target}{separator}{urlencode({'errors': errors})}", status_code=302)


async def join(request: Request) -> Response:
    """``join``, called by a browser: errors are shown as a page unless ``redirect=false``."""
    classroom: Classroom = request.app.state.classroom
    raw = _raw_query(request)
    try:
        form, _ = await _body(request)
        query = checksum.verify("join", raw, form, secret=classroom.config.secret)
    except ApiError as error:
        redirect = checksum.parse_parameters(raw).get("redirect", "")
        return _refused(classroom, {"redirect": redirect}, error)
    try:
        return _joined(classroom, query)
    except ApiError as error:
        return _refused(classroom, query, error)


async def unsupported(_request: Request) -> Response:
    return xml(replies.failure("unsupportedRequest", "This request is not supported."))


CALLS: dict[str, tuple[Call, list[str]]] = {
    "create": (create, ["GET", "POST"]),
    "end": (end, ["GET", "POST"]),
    "isMeetingRunning": (is_meeting_running, ["GET", "POST"]),
    "getMeetingInfo": (get_meeting_info, ["GET", "POST"]),
    "getMeetings": (get_meetings, ["GET", "POST"]),
    "getRecordings": (get_recordings, ["GET"]),
    "insertDocument": (insert_document, ["POST"]),
    "sendChatMessage": (send_chat_message, ["GET"]),
    "hooks/create": (hooks_create, ["GET"]),
    "hooks/list": (hooks_list, ["GET"]),
    "hooks/destroy": (hooks_destroy, ["GET"]),
}


def routes(classroom: Classroom) -> list[BaseRoute]:
    """The API's routes in this profile."""
    profile = classroom.config.profile
    found: list[BaseRoute] = [Route(BASE, version), Route(f"{BASE}/", version)]
    for name, (call, methods) in CALLS.items():
        if name != "sendChatMessage" or profile.send_chat_message:
            found.append(Route(f"{BASE}/{name}", _endpoint(name, call), methods=methods))
    found.append(Route(f"{BASE}/join", join, methods=["GET", "POST"] if profile.join_by_post else ["GET"]))
    found.append(Route(f"{BASE}/{{call:path}}", unsupported))
    return found
