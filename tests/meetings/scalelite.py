"""A pool of BigBlueButton servers behind Scalelite, as far as one meeting's life goes.

Read in Scalelite 1.8.5, app/controllers/bigbluebutton_api_controller.rb and concerns/bbb_errors.rb: a meeting stays on the server
that it was first made on; ``end`` forgets it before that server is even asked; ``index`` names no version; there are no webhooks.
"""

from dataclasses import dataclass, field

from tests.wire import Request, answer

CREATED = "<meetingID>{0}</meetingID><internalMeetingID>{0}-1</internalMeetingID><messageKey></messageKey>"
INFO = "<meetingID>{0}</meetingID><running>true</running><participantCount>2</participantCount>"
ENDED = "<messageKey>sentEndMeetingRequest</messageKey>"


def _success(body: str) -> bytes:
    return answer(f"<response><returncode>SUCCESS</returncode>{body}</response>", content_type="text/xml")


def _failed(key: str, message: str) -> bytes:
    body = f"<returncode>FAILED</returncode><messageKey>{key}</messageKey><message>{message}</message>"
    return answer(f"<response>{body}</response>", content_type="text/xml")


@dataclass
class Scalelite:
    """The balancer and its servers.

    Attributes:
        placed: the server that each meeting was made on.
        dead: servers that do not answer.
        slow: servers whose `create` takes longer than Scalelite waits.
        running: meetings that go on, on a server that answers.
        asked: the calls, in order.
    """

    placed: dict[str, str] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)
    slow: set[str] = field(default_factory=set)
    running: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def __call__(self, request: Request) -> bytes:
        call, meeting = request.path.rpartition("/api/")[2], request.query.get("meetingID", "")
        self.asked.append(call)
        match call:
            case "":
                return _success("<version>2.0</version>")
            case "create":
                return self._create(meeting)
            case "getMeetingInfo" | "end" if meeting not in self.placed:
                return _failed("notFound", "We could not find a meeting with that meeting ID")
            case "getMeetingInfo":
                return self._info(meeting)
            case "end":
                return self._end(meeting)
        return _failed("unsupportedRequest", "This request is not supported.")

    def _create(self, meeting: str) -> bytes:
        server = self.placed.get(meeting) or next(
            (one for one in ("first", "second") if one not in self.dead | self.slow), ""
        )
        if not server:
            return _failed("internalError", "Could not find any available servers.")
        self.placed[meeting] = server
        if server in self.dead | self.slow:
            return _failed("internalError", "Unable to create meeting on server.")
        self.running.add(meeting)
        return _success(CREATED.format(meeting))

    def _info(self, meeting: str) -> bytes:
        if self.placed[meeting] in self.dead:
            return _failed("internalError", "Unable to access meeting on server.")
        if meeting not in self.running:
            return _failed("notFound", "A meeting with that ID does not exist")
        return _success(INFO.format(meeting))

    def _end(self, meeting: str) -> bytes:
        if self.placed.pop(meeting) in self.dead:
            return _failed("internalError", "Unable to access meeting on server.")
        self.running.discard(meeting)
        return _success(ENDED)
