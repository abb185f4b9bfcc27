"""Every address, by the most powerful person and without a token of CSRF; `make test-abuse` has all methods and all people.

Then what stands beside Django: the event stream's server, the gateway, the origin.
"""

import ast
import inspect

import pytest
import uvicorn
from django.test import Client

from amphi.audience import edge
from amphi.gateway import api, dialect_b, dialect_d
from amphi.origin.config import Config
from amphi.origin.http_app import OriginApp
from amphi.origin.streams import Streams
from amphi.pages import asgi
from tests.abuse.access_walk import METHODS, Walk
from tests.abuse.http_fuzz import Server
from tests.abuse.http_servers import gateway
from tests.factories import make_user, make_webinar

NOBODYS = ("", "Bearer", "Bearer wrong", "Basic dDp0", "Bearer m")
"""What a stranger may say of themselves."""


@pytest.mark.django_db
def test_nothing_breaks_and_no_change_is_made_without_a_token(settings):
    settings.USE_MEETING_WEBINAR = True
    event = make_webinar().event
    root = Client(enforce_csrf_checks=True)
    root.force_login(make_user("root", is_superuser=True, is_staff=True))
    walk = Walk(event.slug, {"superuser": lambda: root}, ("POST",))
    assert walk.wrong == []
    assert walk.addresses > 120


HALL = [f"/live/1/{name}" for name in asgi._hall]
BESIDE_DJANGO = [*HALL, edge.PATH, "/t/x.y/replay/1/main.m3u8"]


def test_there_are_no_other_addresses_beside_django():
    """Who adds one gives it a rule, and its line in the tests here."""
    tree = ast.parse(inspect.getsource(asgi.application))
    looked_at = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value == "path"]
    assert len(looked_at) == 4  # healthz, the edge, replays, the hall
    assert set(asgi._hall) == {"events", "reactions", "reports"}


@pytest.mark.parametrize("path", BESIDE_DJANGO)
@pytest.mark.parametrize("method", METHODS)
async def test_what_is_open_to_holders_of_tickets_is_closed_without(path, method):
    statuses = []

    async def receive() -> dict:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message: dict) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    for query in (b"", b"ticket=", b"ticket=x.y", b"ticket=%00"):
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query,
            "headers": [],
            "client": ("192.0.2.1", 9),
        }
        await asgi.application(scope, receive, send)
    assert len(statuses) == 4
    assert set(statuses) <= {400, 401, 403, 405}


async def _statuses(server: Server, path: str, given: str) -> dict[str, str]:
    found = {}
    for method in METHODS:
        said = f"{method} {path} HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n"
        said += f"Authorization: {given}\r\n" if given else ""
        answer = await server.take([f"{said}\r\n{{}}".encode()])
        found[method] = answer[9:12].decode()
    return found


@pytest.mark.parametrize("given", NOBODYS)
async def test_gateway_opens_nothing_without_its_token(given):
    server, _ = gateway()
    paths = {
        route.path.replace("{job_id}", "a") for route in (*api.ROUTES, *dialect_b.ROUTES, *dialect_d.ROUTES)
    }
    assert len(paths) > 10
    for path in (paths - {"/healthz"}) | {"/unknown"}:
        # uvicorn refuses methods that are none of HTTP's.
        assert set((await _statuses(server, path, given)).values()) <= {"401", "400"}, path


@pytest.mark.parametrize("given", NOBODYS[:-1])
async def test_origin_opens_nothing_without_token_or_ticket(given):
    app = OriginApp(Config(token="t", metrics_token="s", ticket_key=b"k"), Streams(Config(slate=False)))
    server = Server(uvicorn.Config(app, ws="none", lifespan="off", log_config=None))
    files = [
        f"/hls/good{rest}"
        for rest in (".m3u8", "/main.m3u8", "/sound.m3u8", "/480p.m3u8", "/0a/p1.m4s", "/0a/i0.mp4")
    ]
    for path in ["/streams", "/metrics", *files, *(f"/t/x.y{file}" for file in files)]:
        statuses = await _statuses(server, path, given)
        statuses.pop("OPTIONS")  # what a page of another site asks before: it opens nothing
        assert set(statuses.values()) <= {"401", "403", "405", "400"}, path
