"""A meeting server, a gateway and a live server in one, over a real socket, each as well or as ill as a test says."""

import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from django.db import connection

SUCCESS = "<response><returncode>SUCCESS</returncode>{}</response>"
NOT_FOUND = (
    "<response><returncode>FAILED</returncode><messageKey>notFound</messageKey>"
    "<message>A meeting with that ID does not exist</message></response>"
)
MULTIVARIANT = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="{}"\nmain.m3u8\n'
PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{0}\n#EXTINF:2,\n{0}.m4s\n"


@dataclass
class Stage:
    """What the three servers say, and what they were asked.

    Attributes:
        meeting_exists: BBB knows the meeting.
        is_over: BBB knows it as ended.
        has_hooks: this BBB has webhooks.
        jobs: of the gateway, by id: their states.
        job_reason: why a job is in its state.
        full: the gateway has no place.
        sequence: the playlist's media sequence number; None: there is no playlist.
        playlist_ended: it is closed.
        codecs: what the multivariant playlist names; empty: there is none.
        advancing: it moves on with each request.
        broken: what doesn't work, by name: ``bbb``, ``gateway`` or ``live``, and how: a status, ``html``, ``hang``.
        asked: the calls, in order, as ``METHOD path``.
        request_ids: those that came with calls to the gateway.
        hangs_on: whatever call has this in its path or query is not answered.
        during: what happens while a call that has this in it is being answered, once; in a thread with a connection of its own.
        version: BBB's.
        session: BBB's own id of this life of the meeting.
        people: who is in the meeting: their external ids and names.
        recordings: BBB's, by id: the meeting's id, whether it is published, and the addresses to watch it by their kind.
        heard: what was said in the meeting's chat: by whom, and what.
        hears: how many more messages the meeting takes before BBB fails; None: all.
    """

    meeting_exists: bool = True
    is_over: bool = False
    has_hooks: bool = True
    version: str = "3.0.4"
    session: str = "life-1"
    people: dict[str, str] = field(default_factory=dict)
    recordings: dict[str, tuple[str, bool, dict[str, str]]] = field(default_factory=dict)
    heard: list[tuple[str, str]] = field(default_factory=list)
    hears: int | None = None
    jobs: dict[str, str] = field(default_factory=dict)
    job_reason: str = ""
    full: bool = False
    sequence: int | None = None
    playlist_ended: bool = False
    codecs: str = ""
    advancing: bool = False
    broken: dict[str, int | str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    request_ids: set[str] = field(default_factory=set)
    hangs_on: str = ""
    during: dict[str, Callable[[], object]] = field(default_factory=dict)
    url: str = ""

    def count(self, pattern: str) -> int:
        """How many calls match."""
        return sum(1 for call in self.asked if re.search(pattern, call))

    def bbb(self, call: str, query: dict[str, str]) -> tuple[int, str, str]:
        """BBB's answer to an API call."""
        if call.startswith("hooks/"):
            if not self.has_hooks:
                return 404, "text/html", "<html>not found</html>"
            return 200, "text/xml", SUCCESS.format("<hookID>1</hookID><permanentHook>false</permanentHook>")
        if call == "":
            return (
                200,
                "text/xml",
                SUCCESS.format(f"<version>2.0</version><bbbVersion>{self.version}</bbbVersion>"),
            )
        if call == "getRecordings":
            return 200, "text/xml", SUCCESS.format(self._recordings(query.get("recordID", "")))
        if not self.meeting_exists:
            return 200, "text/xml", NOT_FOUND
        return self._meeting(call, query)

    def _meeting(self, call: str, query: dict[str, str]) -> tuple[int, str, str]:
        if call == "sendChatMessage" and not self._hear(query["userName"], query["message"]):
            return 500, "text/plain", "broken"
        attendees = "".join(
            f"<attendee><userID>{user_id}</userID><fullName>{name}</fullName><role>VIEWER</role></attendee>"
            for user_id, name in self.people.items()
        )
        body = (
            f"<meetingID>m</meetingID><internalMeetingID>{self.session}</internalMeetingID>"
            f"<running>{str(not self.is_over).lower()}</running><hasBeenForciblyEnded>{str(self.is_over).lower()}</hasBeenForciblyEnded>"
            f"<participantCount>{len(self.people)}</participantCount><attendees>{attendees}</attendees>"
        )
        if call == "end":
            self.meeting_exists = False
            body = "<messageKey>sentEndMeetingRequest</messageKey>"
        return 200, "text/xml", SUCCESS.format(body)

    def _hear(self, author: str, text: str) -> bool:
        """Take a message, unless the meeting has taken enough."""
        if self.hears == 0:
            return False
        self.hears = None if self.hears is None else self.hears - 1
        self.heard.append((author, text))
        return True

    def _recordings(self, record_id: str) -> str:
        found = ""
        for one, (meeting_id, published, formats) in self.recordings.items():
            playback = "".join(
                f"<format><type>{kind}</type><url>{escape(url)}</url><length>42</length></format>"
                for kind, url in formats.items()
            )
            if one == record_id:
                found += (
                    f"<recording><recordID>{one}</recordID><meetingID>{meeting_id}</meetingID>"
                    f"<published>{str(published).lower()}</published><startTime>1711720211000</startTime>"
                    f"<playback>{playback}</playback></recording>"
                )
        return f"<recordings>{found}</recordings>"

    def gateway(self, method: str, job_id: str, said: bytes) -> tuple[int, str, str]:
        """The gateway's answer about a job, or to what it is to say in the meeting."""
        if method == "POST":
            message = json.loads(said)
            taken = self._hear(message["author"], message["text"])
            return (202, "application/json", "{}") if taken else (409, "application/json", "{}")
        status = 200
        if method == "PUT" and job_id not in self.jobs:
            if self.full:
                return 503, "application/json", json.dumps({"error": "full", "detail": "no place"})
            self.jobs[job_id], status = "joining", 201
        if job_id not in self.jobs:
            return 404, "application/json", json.dumps({"error": "unknown_job", "detail": "no such job"})
        if method == "DELETE":
            self.jobs[job_id], status = "idle", 202
        job: dict[str, Any] = {
            "job_id": job_id,
            "state": self.jobs[job_id],
            "reason": self.job_reason,
            "detail": "",
            "since": "2026-01-01T00:00:00Z",
            "room": "webinar",
            "chat_shown": False,
            "stats": {"cpu_cores": 0.8, "frames": 1, "frames_dropped": 0, "kbps": 900},
        }
        return status, "application/json", json.dumps(job)

    def playlist(self, path: str) -> tuple[int, str, str]:
        """The live server's answer."""
        if self.sequence is None:
            return 404, "text/plain", ""
        if self.codecs and not path.endswith("/main.m3u8"):
            return 200, "application/vnd.apple.mpegurl", MULTIVARIANT.format(self.codecs)
        if self.advancing:
            self.sequence += 1
        end = "#EXT-X-ENDLIST\n" if self.playlist_ended else ""
        return 200, "application/vnd.apple.mpegurl", PLAYLIST.format(self.sequence) + end

    def _happen(self, call: str) -> None:
        for part in [part for part in self.during if part in call]:
            try:
                self.during.pop(part)()
            finally:
                connection.close()

    def answer(self, method: str, path: str, content: bytes) -> tuple[int, str, str]:
        """The answer to one call."""
        self.asked.append(f"{method} {path}")
        kind = "bbb" if "/bigbluebutton/" in path else "live" if path.startswith("/hls/") else "gateway"
        self._happen(f"{method} {path}")
        how = self.broken.get(kind)
        if how == "html":
            return 200, "text/html", "<html><body>Welcome to nginx!</body></html>"
        if how == "hang" or (self.hangs_on and self.hangs_on in path):
            time.sleep(30)
        if isinstance(how, int):
            return how, "text/plain", "broken"
        if kind == "bbb":
            call, _, query = path.partition("/api")[2].strip("/").partition("?")
            return self.bbb(call.strip("/"), dict(parse_qsl(query)))
        if kind == "live":
            return self.playlist(path)
        return self.gateway(method, path.split("/")[2], content)


class _Handler(BaseHTTPRequestHandler):
    stage: Stage

    def _answer(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "/jobs/" in self.path:
            self.stage.request_ids.add(self.headers.get("X-Request-ID", ""))
        status, content_type, body = self.stage.answer(self.command, self.path, content)
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    do_GET = do_PUT = do_DELETE = do_POST = _answer  # noqa: N815 -- names of the base class

    def log_message(self, *_: object) -> None:
        """Be silent."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A hanging answer must not keep a test from ending.
    block_on_close = False


def open_stage() -> tuple[Stage, ThreadingHTTPServer]:
    """Start the three servers on one free port."""
    stage = Stage()
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"stage": stage}))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    stage.url = f"http://127.0.0.1:{server.server_address[1]}"
    return stage, server
