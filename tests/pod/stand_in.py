"""A stand-in for Esup-Pod's REST interface, written after the code of 4.1.0 and no kinder than it:

- ``pod/settings.py``: ``REST_FRAMEWORK``: a token (or a password), of staff only; twelve rows a page;
- ``pod/main/rest_router.py``: the addresses;
- ``pod/authentication/rest_views.py``: ``UserViewSet``, filtered by id, username and email;
- ``pod/video/rest_views.py``: ``VideoSerializer`` and ``VideoViewSet``, filtered by owner, …; ``pod/video/models.py``: ``Video``: which fields a form must have;
- ``pod/video_encode_transcript/rest_views.py``: ``launch_encode_view``, by slug, which 404s for what is not there.

What Django REST framework makes of these: hyperlinks must be those of rows there are, a list that may not be empty is required, a boolean that a form leaves out is
false, and unknown filters are ignored.
"""

import email
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PAGE_SIZE = 12
TOKEN, STUDENT_TOKEN = "t0ken-of-pod", "t0ken-of-no-staff"


@dataclass
class PodStandIn:
    """What is in it, and what it shall do wrong."""

    users: list[str] = field(default_factory=lambda: ["admin", "owner"])
    videos: list[dict[str, Any]] = field(default_factory=list)
    uploaded: list[bytes] = field(default_factory=list)
    encodings: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    filters: bool = True
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fault(self) -> str:
        """What to do wrong this time."""
        return self.faults.pop(0) if self.faults else ""

    def user(self, number: int) -> dict[str, Any]:
        url = f"{self.url}/rest/users/{number}/"
        return {
            "id": number,
            "url": url,
            "username": self.users[number - 1],
            "first_name": "",
            "is_staff": False,
        }

    def create(self, fields: dict[str, list[str]], file: bytes) -> tuple[int, object]:
        """``VideoViewSet.create``: the status and what is answered."""
        errors = {
            name: ["This field is required."] for name in ("title", "owner", "type") if not fields.get(name)
        }
        if len(fields.get("title", [""])[0]) > 250:
            errors["title"] = ["Ensure this field has no more than 250 characters."]
        if not fields.get("sites"):
            errors["sites"] = ["This list may not be empty."]
        known = {"owner": f"users/([1-{len(self.users)}])", "type": "types/(1)", "sites": "sites/(1)"}
        for name, path in known.items():
            for value in fields.get(name, []):
                if not re.fullmatch(rf"{self.url}/rest/{path}/", value):
                    errors[name] = ["Invalid hyperlink - Object does not exist."]
        if not file:
            errors["video"] = ["The submitted file is empty."]
        if errors:
            return 400, errors
        number = len(self.videos) + 1
        slug = f"{number:04}-" + re.sub(r"[^a-z0-9]+", "-", fields["title"][0].lower()).strip("-")
        row = {name: values[0] for name, values in fields.items() if name != "sites"}
        row |= {
            "id": number,
            "url": f"{self.url}/rest/videos/{number}/",
            "slug": slug,
            "sites": fields["sites"],
        }
        row |= {"encoded": False, "encoding_in_progress": False}
        row["is_draft"] = fields.get("is_draft", ["false"])[0].lower() in {"true", "1", "on"}
        self.videos.insert(0, row)
        self.uploaded.append(file)
        return 201, row


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    pod: PodStandIn

    def _answer(self, status: int, content: object) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _is_refused(self) -> bool:
        token = self.headers.get("Authorization", "")
        if token == f"Token {STUDENT_TOKEN}":
            self._answer(403, {"detail": "You do not have permission to perform this action."})
        elif token != f"Token {TOKEN}":
            self._answer(401, {"detail": "Invalid token."})
        else:
            return False
        return True

    def _page(self, rows: list[dict[str, Any]], query: dict[str, str]) -> None:
        page = int(query.get("page", "1"))
        if page > 1 and (page - 1) * PAGE_SIZE >= len(rows):
            self._answer(404, {"detail": "Invalid page."})
            return
        shown = rows[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
        after = f"{self.pod.url}/rest/?page={page + 1}" if page * PAGE_SIZE < len(rows) else None
        self._answer(200, {"count": len(rows), "next": after, "previous": None, "results": shown})

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.pod.asked.append(f"GET {parts.path}")
        if self._is_refused():
            return
        fault = self.pod.fault()
        if fault.isdecimal():
            self._answer(int(fault), b"<h1>Server Error</h1>")
        elif parts.path == "/rest/users/":
            rows = [self.pod.user(number) for number in range(len(self.pod.users), 0, -1)]
            wanted = query.get("username") if self.pod.filters else None
            self._page([row for row in rows if wanted in {None, row["username"]}], query)
        elif parts.path == "/rest/videos/":
            ending = f"/users/{query['owner']}/" if self.pod.filters and "owner" in query else "/"
            self._page([row for row in self.pod.videos if row["owner"].endswith(ending)], query)
        elif parts.path == "/rest/launch_encode_view/":
            row = next((row for row in self.pod.videos if row["slug"] == query.get("slug")), None)
            if row is None:
                self._answer(404, {"detail": "No Video matches the given query."})
                return
            if not row["encoding_in_progress"]:
                row["encoding_in_progress"] = True
                self.pod.encodings.append(row["slug"])
            self._answer(200, row)
        else:
            self._answer(404, b"<h1>Not Found</h1>")

    def do_POST(self) -> None:
        self.pod.asked.append(f"POST {self.path}")
        # Without a length Django reads nothing.
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self._is_refused():
            return
        fault = self.pod.fault()
        if self.path != "/rest/videos/":
            self._answer(404, b"<h1>Not Found</h1>")
            return
        if fault.isdecimal():
            self._answer(int(fault), b"<h1>Error</h1>")
            return
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        fields: dict[str, list[str]] = {}
        file = b""
        for part in email.message_from_bytes(head + body, policy=HTTP).iter_parts():
            name = str(part.get_param("name", header="content-disposition"))
            content = part.get_payload(decode=True)
            if part.get_filename():
                file = content
            else:
                fields.setdefault(name, []).append(content.decode())
        status, answer = self.pod.create(fields, file)
        if fault == "no answer":
            self.close_connection = True
            return
        self._answer(status, answer)

    def log_message(self, *_arguments: object) -> None:
        pass


@contextmanager
def running_pod() -> Iterator[PodStandIn]:
    pod = PodStandIn()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"pod": pod}))
    pod.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield pod
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
