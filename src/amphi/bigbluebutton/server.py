"""One BigBlueButton server and its API calls.

Source: https://docs.bigbluebutton.org/development/api/
"""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit
from xml.etree.ElementTree import Element  # only a type: parsing is defusedxml's

from amphi.bigbluebutton import answers, exceptions
from amphi.bigbluebutton import checksum as checksums
from amphi.bigbluebutton.checksum import Algorithm
from amphi.bigbluebutton.documents import request_body
from amphi.bigbluebutton.objects import (
    Capabilities,
    CreatedMeeting,
    Hook,
    JoinRole,
    MeetingInfo,
    Presentation,
    Recording,
)
from amphi.system import outbound
from amphi.system.calls import Timed

LONGEST_MESSAGE = 500
LONGEST_USER_NAME = 255
LENGTHS = range(2, 257)
"""Allowed lengths of a meeting's name and id, in UTF-16 units, as BigBlueButton's server counts."""
_CAPABILITIES_EXPIRE_AFTER_S = 600.0
_FIRST_WITH_INSERT_DOCUMENT = (2, 5)
_FIRST_WITH_CHAT_MESSAGE = (3, 0)


def api_url(url: str) -> str:
    """The address of the API, from any form of a server's address.

    Raises:
        MisconfiguredServerError: it is not an http(s) address, or contains a user, a query or a fragment.
    """
    try:
        parts = urlsplit(url.strip())
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise exceptions.MisconfiguredServerError(
            f"the address of a BigBlueButton server can’t be one: {error}"
        ) from error
    if parts.scheme not in {"http", "https"} or not has_host:
        raise exceptions.MisconfiguredServerError(
            "the address of a BigBlueButton server begins with https:// and names a host"
        )
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise exceptions.MisconfiguredServerError(
            "the address of a BigBlueButton server holds no user, query or fragment"
        )
    path = parts.path.rstrip("/").removesuffix("/api").removesuffix("/bigbluebutton")
    return f"{parts.scheme}://{parts.netloc}{path}/bigbluebutton/api"


def version_of(text: str) -> tuple[int, int] | None:
    """The first two numbers of a version such as ``3.0.4`` or ``2.7-beta-1``; None when it has fewer."""
    found = re.match(r"\s*(\d{1,4})\.(\d{1,4})", text)
    return (int(found[1]), int(found[2])) if found else None


class Server:
    """A BigBlueButton server, or a load balancer such as Scalelite with the same API. Threads may share it.

    Args:
        url: its address, with or without ``/bigbluebutton/api``.
        secret: the shared secret.
        checksum: the algorithm that signs our calls. Webhook calls fall back to sha1, the only one that old servers accept there.
        timeout_s: the longest that a whole call may take.
        ca_file: PEM certificates to trust instead of the system's.
        clock: monotonic seconds, for the expiry of remembered answers.

    Raises:
        MisconfiguredServerError: the address is invalid, or the CA file can't be read.
    """

    def __init__(
        self,
        url: str,
        secret: str,
        *,
        checksum: Algorithm = "sha256",
        timeout_s: float = 10.0,
        ca_file: Path | str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = api_url(url)
        self._secret = secret
        self._algorithm: Algorithm = checksum
        self._hooks_algorithm: Algorithm = checksum
        try:
            self._caller = outbound.Caller(timeout_s=timeout_s, ca_file=ca_file)
        except outbound.MisconfiguredError as error:
            raise exceptions.MisconfiguredServerError(str(error)) from error
        self._clock = clock
        self._probed: tuple[float, Capabilities] | None = None
        self._version_read: tuple[float, tuple[str, tuple[int, int] | None]] | None = None

    def __repr__(self) -> str:
        return f"Server({self.url!r})"

    def close(self) -> None:
        """Close the connections that are kept."""
        self._caller.close()

    # Meetings

    def create(
        self,
        meeting_id: str,
        name: str,
        *,
        parameters: Mapping[str, str] | None = None,
        presentations: Iterable[Presentation] = (),
    ) -> CreatedMeeting:
        """Create a meeting. If it exists already it stays unchanged, and the answer says `existed`.

        Args:
            meeting_id: 2 to 256 UTF-16 units, no comma.
            name: 2 to 256 UTF-16 units.
            parameters: any other parameters of the call, such as ``meta_endCallbackUrl``.
            presentations: documents to show, in order.

        Raises:
            InvalidArgumentError: the name or the id is too short or too long, or the id has a comma.
            MeetingExistsError: it exists with other passwords or another voice bridge.
            BigBlueButtonError: any other of its subclasses.
        """
        _check_length("name", name)
        _check_length("id", meeting_id)
        if "," in meeting_id:
            raise exceptions.InvalidArgumentError("create: a meeting’s id has no comma")
        query = {"meetingID": meeting_id, "name": name, **(parameters or {})}
        documents = list(presentations)
        response = self._call("create", query, body=request_body(documents) if documents else None)
        return CreatedMeeting.from_xml(response)

    def join_url(
        self,
        meeting_id: str,
        full_name: str,
        *,
        role: JoinRole,
        user_id: str = "",
        create_time: int | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> str:
        """The address that lets one person into a meeting. It is that person's secret. Nothing is sent.

        Args:
            meeting_id: the meeting.
            full_name: the name that the others see.
            role: what the person may do.
            user_id: the external user id, which is ours.
            create_time: the session's `create_time_ms`, so that an old address does not open a later session.
            parameters: any other parameters of the call, such as those of `bot.bot_parameters`.
        """
        query = {"fullName": full_name, "meetingID": meeting_id, "role": role}
        if user_id:
            query["userID"] = user_id
        if create_time is not None:
            query["createTime"] = str(create_time)
        return self._signed_url("join", {**query, **(parameters or {})}, self._algorithm)

    def end(self, meeting_id: str) -> None:
        """End a meeting for everybody; it is over some seconds later.

        Raises:
            MeetingNotFoundError: it is over already, or never existed.
        """
        self._call("end", {"meetingID": meeting_id})

    def is_running(self, meeting_id: str) -> bool:
        """Whether somebody has joined the meeting and it is not over; false for an unknown meeting."""
        return answers.flag(self._call("isMeetingRunning", {"meetingID": meeting_id}), "running")

    def meeting_info(self, meeting_id: str) -> MeetingInfo:
        """The current state of a meeting, with its participants.

        Raises:
            MeetingNotFoundError: it is over, or never existed.
        """
        return MeetingInfo.from_xml(self._call("getMeetingInfo", {"meetingID": meeting_id}))

    def meetings(self) -> list[MeetingInfo]:
        """Every meeting that the server knows."""
        response = self._call("getMeetings", {})
        return [MeetingInfo.from_xml(one) for one in answers.each(response, "meetings/meeting")]

    def recordings(
        self, *, meeting_id: str = "", record_id: str = "", state: str = "", offset: int = 0, limit: int = 0
    ) -> list[Recording]:
        """Recordings that match all filters given; a filter may be several ids or states, separated by commas."""
        filters = {
            "meetingID": meeting_id,
            "recordID": record_id,
            "state": state,
            "offset": str(offset) if offset else "",
            "limit": str(limit) if limit else "",
        }
        response = self._call("getRecordings", {key: value for key, value in filters.items() if value})
        return [Recording.from_xml(one) for one in answers.each(response, "recordings/recording")]

    def insert_document(self, meeting_id: str, presentations: Iterable[Presentation]) -> None:
        """Add documents to a running meeting (since 2.5).

        Raises:
            MeetingNotFoundError: there is no such meeting.
            CallNotSupportedError: the server is older.
        """
        self._call("insertDocument", {"meetingID": meeting_id}, body=request_body(presentations))

    def send_chat_message(self, meeting_id: str, text: str, *, user_name: str = "") -> None:
        """Send a message to a meeting's public chat (since 3.0). Split longer texts with `chat.split_message`.

        Success means that the server accepted it. A meeting without a chat drops it silently.

        Args:
            meeting_id: the meeting.
            text: 1 to 500 UTF-16 units of Markdown: see `chat.as_markdown`.
            user_name: the sender's name; cut to 255 characters.

        Raises:
            InvalidArgumentError: the text is empty or too long.
            MeetingNotFoundError: there is no such meeting.
            CallNotSupportedError: the server is older.
        """
        if not 1 <= _units(text) <= LONGEST_MESSAGE:
            raise exceptions.InvalidArgumentError(
                f"sendChatMessage: a message has 1 to {LONGEST_MESSAGE} characters, this one {_units(text)}"
            )
        query = {"meetingID": meeting_id, "message": text}
        if user_name:
            query["userName"] = user_name[:LONGEST_USER_NAME]
        self._call("sendChatMessage", query)

    # Webhooks

    def create_hook(self, callback_url: str, *, meeting_id: str = "", events: Iterable[str] = ()) -> Hook:
        """Register a webhook. The same address twice is one hook, so use one address per meeting.

        Args:
            callback_url: the address that receives deliveries.
            meeting_id: the external id of the meeting; empty for all meetings.
            events: the kinds of events, such as ``meeting-ended``; all kinds when empty.

        Raises:
            WebhooksUnavailableError: this server has no webhooks.
        """
        query = {"callbackURL": callback_url}
        if meeting_id:
            query["meetingID"] = meeting_id
        if kinds := ",".join(events):
            query["eventID"] = kinds
        return Hook.from_xml(self._call_hooks("hooks/create", query))

    def hooks(self, meeting_id: str | None = None) -> list[Hook]:
        """The registered webhooks of one meeting or of all; hooks for all meetings are always included.

        Raises:
            WebhooksUnavailableError: this server has no webhooks.
        """
        response = self._call_hooks("hooks/list", {"meetingID": meeting_id} if meeting_id else {})
        return [Hook.from_xml(one) for one in answers.each(response, "hooks/hook")]

    def destroy_hook(self, hook_id: str) -> None:
        """Remove a webhook.

        Raises:
            HookNotFoundError: it no longer exists.
            WebhooksUnavailableError: this server has no webhooks.
        """
        self._call_hooks("hooks/destroy", {"hookID": hook_id})

    # What the server is

    def capabilities(self) -> Capabilities:
        """What this server can do; remembered for ten minutes."""
        now = self._clock()
        if self._probed is not None and now < self._probed[0]:
            return self._probed[1]
        capabilities = self._probe()
        self._probed = (now + _CAPABILITIES_EXPIRE_AFTER_S, capabilities)
        return capabilities

    def version(self) -> str:
        """BigBlueButton's version, as in `Capabilities.version`: one call, then remembered for ten minutes."""
        return self._read_version()[0]

    def _read_version(self) -> tuple[str, tuple[int, int] | None]:
        """The version's text, and its first two numbers."""
        now = self._clock()
        if self._version_read is not None and now < self._version_read[0]:
            return self._version_read[1]
        response = self._call("", {})
        text = answers.text(response, "bbbVersion")
        # A server may hide its version. Only 3.0 and later return a GraphQL address.
        speaks_graphql = bool(
            answers.text(response, "graphqlApiUrl") or answers.text(response, "graphqlWebsocketUrl")
        )
        numbers = version_of(text) or (_FIRST_WITH_CHAT_MESSAGE if speaks_graphql else None)
        self._version_read = (now + _CAPABILITIES_EXPIRE_AFTER_S, (text, numbers))
        return text, numbers

    def _probe(self) -> Capabilities:
        text, version = self._read_version()
        try:
            self.hooks()
        except (exceptions.CallNotSupportedError, exceptions.ChecksumRefusedError):
            webhooks = False
        else:
            webhooks = True
        return Capabilities(
            version=text,
            send_chat_message=version is not None and version >= _FIRST_WITH_CHAT_MESSAGE,
            insert_document=version is None or version >= _FIRST_WITH_INSERT_DOCUMENT,
            webhooks=webhooks,
        )

    # Calls

    def _call_hooks(self, call: str, query: Mapping[str, str]) -> Element:
        """Call bbb-webhooks. Before 3.0 it accepts only sha1, so a refused checksum is tried once more with that."""
        try:
            return self._call(call, query, algorithm=self._hooks_algorithm)
        except exceptions.ChecksumRefusedError:
            if self._hooks_algorithm == "sha1":
                raise
        response = self._call(call, query, algorithm="sha1")
        self._hooks_algorithm = "sha1"
        return response

    def _call(
        self,
        call: str,
        query: Mapping[str, str],
        *,
        body: bytes | None = None,
        algorithm: Algorithm | None = None,
    ) -> Element:
        url = self._signed_url(call, query, algorithm or self._algorithm)
        name = call or "version"
        with Timed("bigbluebutton", name):
            return answers.read(name, self._answer(name, url, body))

    def _answer(self, name: str, url: str, body: bytes | None) -> outbound.Answer:
        try:
            if body is None:
                return self._caller.call("GET", url)
            return self._caller.call("POST", url, content=body, headers={"Content-Type": "application/xml"})
        except outbound.OutboundError as error:
            raise _no_answer(name, error) from error

    def _signed_url(self, call: str, query: Mapping[str, str], algorithm: Algorithm) -> str:
        if not call:
            return f"{self.url}/"
        raw_query = urlencode(query, quote_via=quote, safe="")
        signature = checksums.of_call(call, raw_query, self._secret, algorithm)
        separator = "&" if raw_query else ""
        return f"{self.url}/{call}?{raw_query}{separator}checksum={signature}"


def _units(text: str) -> int:
    """The length of a text in UTF-16 units, as Java counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _check_length(what: str, text: str) -> None:
    if _units(text) not in LENGTHS:
        raise exceptions.InvalidArgumentError(
            f"create: a meeting’s {what} has {LENGTHS[0]} to {LENGTHS[-1]} characters, this one {_units(text)}"
        )


def _no_answer(call: str, error: outbound.OutboundError) -> exceptions.BigBlueButtonError:
    kinds: dict[type[outbound.OutboundError], type[exceptions.BigBlueButtonError]] = {
        outbound.DeadlineError: exceptions.ServerTimeoutError,
        outbound.UntrustedCertificateError: exceptions.UntrustedServerError,
        outbound.AnswerTooLargeError: exceptions.AnswerTooLargeError,
        outbound.GarbledAnswerError: exceptions.NotXmlError,
        outbound.MisconfiguredError: exceptions.MisconfiguredServerError,
    }
    return kinds.get(type(error), exceptions.UnreachableError)(f"{call}: {error}")
