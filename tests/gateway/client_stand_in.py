"""A server of pages that stand in for BigBlueButton's client, one era at a time, and of the data that they live on."""

import contextlib
import http.server
import json
import threading
import time
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

PAGES = Path(__file__).with_name("pages")
KINDS = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
ERAS = ("2.6", "2.7", "3.0", "3.0 livekit", "4.0")
LANGUAGES = ("fr", "en")
VERSIONS = {"2.6": "2.6.18", "2.7": "2.7.5", "3.0": "3.0.14", "3.0 livekit": "3.0.14", "4.0": "4.0.0-beta.5"}


def has_data_socket(era: str) -> bool:
    """Whether the client of that era gets its data through a socket of its own kind (GraphQL), rather than through Meteor's."""
    return era >= "3"


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
        elif address.path.startswith("/client/"):
            self.page(address.path.removeprefix("/"))
        elif address.path == "/bigbluebutton/api/join":
            self.join()
        elif address.path == "/bigbluebutton/api/error":
            self.answer(client.xml.encode(), "text/xml")
        elif address.path == "/html5client/guestWait":
            self.page("guest-wait.html")
        else:
            self.page("bigbluebutton.html" if address.path.startswith("/html5client") else "join_form.html")

    def join(self):
        client = self.server.client
        client.joins += 1
        if client.joins > 1:
            client.connect()  # a page that is opened anew is connected
        self.redirect(client.first_address())

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


class PageServer(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # a page asks for much at once


class DataServer:
    """What a client of 3.0 and later gets its data from: the protocol graphql-transport-ws, as far as a connection goes.

    Read in bbb-graphql-middleware, which passes on what Hasura says: it pings, answers pings, and ends a connection without a word
    when it dies.
    """

    PING_EVERY_S = 10
    """As bbb-graphql-server sets Hasura up."""

    def __init__(self):
        self.takes = True
        self.says = {"ping", "pong"}
        self.has_answered = False
        self.connections = set()
        self.server = serve(self.attend, "127.0.0.1", 0, subprotocols=["graphql-transport-ws"])
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"ws://localhost:{self.server.socket.getsockname()[1]}/graphql"

    def attend(self, connection: ServerConnection):
        if not self.takes:
            return
        self.connections.add(connection)
        try:
            self.speak(connection)
        except ConnectionClosed:
            pass
        finally:
            self.connections.discard(connection)

    def speak(self, connection):
        said = json.loads(connection.recv(timeout=10))
        if said["type"] != "connection_init":
            connection.close(4400)
            return
        connection.send(json.dumps({"type": "connection_ack"}))
        while True:
            self.say(connection, "ping")
            next_ping = time.monotonic() + self.PING_EVERY_S
            with contextlib.suppress(TimeoutError):
                while (wait_s := next_ping - time.monotonic()) > 0:
                    if json.loads(connection.recv(timeout=wait_s))["type"] == "ping":
                        self.say(connection, "pong")

    def say(self, connection, kind):
        if kind in self.says:
            connection.send(json.dumps({"type": kind}))
            self.has_answered |= kind == "pong"

    def lose(self):
        """End what is there, and take nothing more."""
        self.takes = False
        for connection in list(self.connections):
            connection.close(3001)

    def close(self):
        self.lose()
        self.server.shutdown()


class ClientServer:
    """Serves the client of an era, in the state that the test says.

    Attributes:
        scene: ``era``, ``language``, ``screen`` and the rest that `pages/client` reads; may be changed while the page is open.
        said: what the page told: messages, whether the chat is shown, what was pressed.
        data: where a client of 3.0 and later gets its data; None before.
    """

    def __init__(self, era, **scene):
        self.data = DataServer() if has_data_socket(era) else None
        self.scene = {
            "version": 0,
            "era": era,
            "language": "fr",
            "screen": "meeting",
            "sound": "asked",
            "view": "plain",
            "serverVersion": VERSIONS[era],
            "data": self.data.url if self.data else None,
        } | scene
        self.said = []
        self.joins = 0
        self.xml = ""
        self.errors = None
        self.server = PageServer(("127.0.0.1", 0), ClientHandler)
        self.server.client = self
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

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
        is_of_2 = not has_data_socket(self.scene["era"])
        if self.scene["screen"] == "lobby" and is_of_2:
            return "/html5client/guestWait?sessionToken=t"
        return "/html5client/join?sessionToken=t" if is_of_2 else "/html5client/?sessionToken=t"

    def change(self, **scene):
        self.scene = self.scene | scene | {"version": self.scene["version"] + 1}

    def connect(self):
        self.change(banner="")
        if self.data is not None:
            self.data.takes = True

    @property
    def has_changed(self):
        """The page is as the last `change` has it."""
        return self.heard("version")[-1:] == [str(self.scene["version"])]

    def hear(self, said):
        self.said.append(said)
        if said.get("pressed") == "join":
            self.change(screen="meeting")

    def heard(self, name):
        return [said[name] for said in self.said if name in said]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        if self.data is not None:
            self.data.close()
