"""SIPMediaGW as it is deployed, on the other side of the wire: answers byte for byte as upstream's, lies included."""

from tests.wire import Request, answer

TOKEN = "t0ken"
RTMP = "rtmp://origin.example.org/live/amphi-41?key=s3cret&x=1"
ROOM = "amphi-3f9k2m"
UNAUTHORIZED = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
NO_ROOM = {"Error": "a room name must be specified"}


class Launcher:
    """The launcher of v1.5 (A), v1.6 or v1.7 (B): one gateway a place, answers byte for byte as upstream's.

    Source: https://github.com/Renater/SIPMediaGW, HTTPLauncher.py and SIPMediaGW.sh of v1.5.1, v1.6.0 and v1.7.0.

    Args:
        version: which one.
        places: how many gateways at once.
        slow: a gateway takes longer to come up than the script waits, which then says that it failed, and lets its place go.
    """

    def __init__(self, version: str, places: int = 1, *, slow: bool = False) -> None:
        self.version = version
        self.places = places
        self.slow = slow
        self.made: list[str] = []
        self.rooms: dict[str, dict[str, str]] = {}
        self.toggles: list[str] = []
        self.messages: list[str] = []

    def __call__(self, request: Request) -> bytes:
        without_token = request.method == "POST" and self.version != "1.5"
        if not without_token and request.headers.get("authorization", "").removeprefix("Bearer ") != TOKEN:
            body = "authorization error" if self.version == "1.5" else '{"Error": "authorization error"}'
            return answer(body, "401 Unauthorized", **UNAUTHORIZED)
        routes = {"/start": self.start, "/stop": self.stop, "/chat": self.chat}
        if self.version == "1.7":
            routes["/progress"] = self.progress
        route = routes.get(request.path)
        return route(request) if route else answer("not found", "404 Not Found", "text/html")

    def error(self, body: dict[str, str]) -> bytes:
        return answer(body, "200 OK" if self.version == "1.5" else "400 Bad Request")

    def result(self, details: dict[str, str]) -> bytes:
        return answer(details if self.version == "1.5" else {"status": "success", "details": details})

    def start(self, request: Request) -> bytes:
        room = request.query.get("room", "0")
        if room == "0":
            return self.error(NO_ROOM)
        if len(self.rooms) >= self.places and not self.slow:
            return self.result({"res": "error", "type": "No free resources found"})
        self.rooms[room] = request.query
        self.made.append(room)  # `docker compose up --force-recreate`: what came up before is killed
        if self.slow:
            return self.result({"res": "error", "type": "The gateway failed to launch"})
        return self.result({"res": "ok", "app": "streaming", "uri": ""})

    def stop(self, request: Request) -> bytes:
        room = request.query.get("room", "0")
        if room == "0":
            return self.error(NO_ROOM)
        if self.rooms.pop(room, None) is None and self.version == "1.7":
            return self.error({"Error": f"no running container for room={room}"})
        return self.result(
            {"res": " Container gw0  Stopping =>  Container gw0  Stopped =>  Container gw0  Removed"}
        )

    def chat(self, request: Request) -> bytes:
        if request.method == "POST":
            body = request.json()
            self.messages.append(body["msg"])
            room = body["room"]
        else:
            room = request.query["room"]
            if "toggle" not in request.query:
                return self.error({"Error": "toggle parameter is expected"})
            self.toggles.append(room)
        if room not in self.rooms:
            return answer({"res": "nc: getaddrinfo: Name or service not known"})
        return answer({"res": "ok"})

    def progress(self, request: Request) -> bytes:
        state = {} if request.query["room"] in self.rooms else {"gw_state": "down"}
        return answer({"status": "success", **state})


class Proxy:
    """The proxy of v1.8 (D) in front of gateways that each have a state and a room.

    Source: https://github.com/Renater/SIPMediaGW, deploy/proxyAPI/proxy.py of v1.8.4 and of the main branch of July 2026.

    Args:
        gateways: their states and rooms, by name.
        odd: gateways that answer a start otherwise than with success.
    """

    def __init__(self, gateways: dict[str, dict[str, str | None]], *, odd: bool = False) -> None:
        self.gateways = gateways
        self.odd = odd
        self.commands: list[dict] = []
        self.stopped: list[str] = []

    def __call__(self, request: Request) -> bytes:
        methods = {
            "/start": "POST",
            "/stop": "POST",
            "/command": "POST",
            "/status": "GET",
            "/progress": "GET",
        }
        if request.path not in methods:
            return answer({"detail": "Not Found"}, "404 Not Found")
        if request.method != methods[request.path]:
            return answer(
                {"detail": "Method Not Allowed"}, "405 Method Not Allowed", allow=methods[request.path]
            )
        if request.method == "POST" and request.headers.get("authorization") != f"Bearer {TOKEN}":
            return answer({"error": "authorization error invalid_token "}, "401 Unauthorized", **UNAUTHORIZED)
        return getattr(self, request.path.strip("/"))(request)

    def error(self, status: str, detail: str) -> bytes:
        return answer(
            {"status": "error", "error": {"code": int(status[:3]), "detail": detail}, "data": None}, status
        )

    def start(self, request: Request) -> bytes:
        body = request.json()
        for name in ("browsing", "room", "main_app"):
            if not body.get(name):
                return self.error("400 Bad Request", f"Missing '{name}' parameter")
        free = next((name for name, one in self.gateways.items() if one["gw_state"] == "started"), None)
        if free is None:
            return self.error("503 Service Unavailable", "No available gateways")
        if self.odd:
            return self.error("503 Service Unavailable", "Faild to parse Gateway Json response")
        self.gateways[free] = {"gw_state": "working", "room": body["room"], "browsing": body["browsing"]}
        return answer(
            {"status": "success", "error": None, "data": {"processing_state": "working", "gw_id": free}}
        )

    def stop(self, request: Request) -> bytes:
        gw_id = request.json().get("gw_id")
        if not gw_id:
            return self.error("400 Bad Request", "Missing 'gw_id' parameter")
        if gw_id not in self.gateways:
            return self.error("404 Not Found", f"No mapping found for gateway '{gw_id}'")
        self.stopped.append(gw_id)
        self.gateways[gw_id] = {"gw_state": "stopped", "room": None}
        return answer(
            {"status": "success", "error": None, "data": {"processing_state": "stopping", "gw_id": gw_id}}
        )

    def status(self, request: Request) -> bytes:
        gw_id = request.query.get("gw_id")
        if room := request.query.get("room"):
            gw_id = next((name for name, one in self.gateways.items() if one["room"] == room), None)
            if gw_id is None:
                return self.error("404 Not Found", f"No gateway found for room '{room}'")
        if gw_id not in self.gateways:
            return self.error("404 Not Found", f"Gateway '{gw_id}' not found")
        data = {"gw_id": gw_id, "browsing": None, "media_duration": None, "transcript_progress": None}
        return answer({"status": "success", "data": data | self.gateways[gw_id]})

    progress = status

    def command(self, request: Request) -> bytes:
        body = request.json()
        gw_id = body.get("gw_id")
        if gw_id not in self.gateways:
            return self.error("404 Not Found", f"Gateway '{gw_id}' not found")
        if self.gateways[gw_id]["gw_state"] != "working":
            return self.error("403 Forbidden", "Gateway not in working state")
        self.commands.append(body["payload"])
        return answer({"status": "success", "error": None, "data": {"res": "ok"}})
