"""A server of pages that stand in for BigBlueButton's client, one era at a time."""

import contextlib
import http.server
import json
import threading
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

PAGES = Path(__file__).with_name("pages")
KINDS = {".html": "text/html; charset=utf-8", ".js": "text/javascript"}


class ClientHandler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        address = urlsplit(self.path)
        client = self.server.client
        if address.path == "/scene":
            self.answer(json.dumps(client.scene).encode(), "application/json")
        elif address.path == "/say":
            client.hear({name: values[0] for name, values in parse_qs(address.query).items()})
            self.answer(b"", "text/plain")
        elif address.path == "/bigbluebutton.js":
            self.page("bigbluebutton.js")
        elif address.path == "/bigbluebutton/api/join":
            client.joins += 1
            if client.joins > 1:
                client.change(banner="")  # a page that is opened anew is connected
            self.redirect(client.first_address())
        elif address.path == "/bigbluebutton/api/error":
            self.answer(client.xml.encode(), "text/xml")
        elif address.path == "/html5client/guestWait":
            self.page("guest-wait.html")
        else:
            self.page("bigbluebutton.html" if address.path.startswith("/html5client") else "join_form.html")

    def redirect(self, where):
        self.send_response(302)
        self.send_header("Location", where)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def page(self, name):
        text = (PAGES / name).read_text("utf-8").replace("SCENE", json.dumps(self.server.client.scene))
        self.answer(text.encode(), KINDS[Path(name).suffix])

    def answer(self, body, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        with contextlib.suppress(ConnectionError):  # a page that is closed asks no more
            self.end_headers()
            self.wfile.write(body)


class ClientServer:
    """Serves the client of an era, in the state that the test says.

    Attributes:
        scene: ``era``, ``screen`` and the rest that `pages/bigbluebutton.js` reads; may be changed while the page is open.
        said: what the page told: messages, whether the chat is shown, what was pressed.
    """

    def __init__(self, era, **scene):
        self.scene = {
            "version": 0,
            "era": era,
            "screen": "meeting",
            "sound": "asked",
            "view": "plain",
        } | scene
        self.said = []
        self.joins = 0
        self.xml = ""
        self.errors = None
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), ClientHandler)
        self.server.client = self
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def host(self):
        return f"localhost:{self.server.server_port}"

    @property
    def join_url(self):
        return f"http://{self.host}/bigbluebutton/api/join?checksum=secret-checksum"

    def first_address(self):
        """Where the API's `join` sends to."""
        if self.errors is not None:
            return f"/elsewhere?errors={quote(json.dumps(self.errors))}"
        if self.scene["screen"] == "lobby" and self.scene["era"] != "3.0":
            return "/html5client/guestWait?sessionToken=t"
        return (
            "/html5client/?sessionToken=t"
            if self.scene["era"] == "3.0"
            else "/html5client/join?sessionToken=t"
        )

    def change(self, **scene):
        self.scene = self.scene | scene | {"version": self.scene["version"] + 1}

    @property
    def has_changed(self):
        """The page is as the last `change` has it."""
        return self.heard("version")[-1:] == [str(self.scene["version"])]

    def hear(self, said):
        self.said.append(said)

    def heard(self, name):
        return [said[name] for said in self.said if name in said]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
