"""What the pages of docs/connect quote of ``amphi check`` is what it says of the systems that they are about."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import nginx, services
from tests.contract.running_classroom import SECRET, running_classroom
from tests.contract.sipmediagw_upstream import TOKEN, Launcher, Proxy
from tests.webinars.stage import open_stage
from tests.wire import WireServer

CONNECT = Path(__file__).parents[2] / "docs" / "connect"
QUOTE = re.compile(r"^    ((?:OK|WARN|FAIL) .+)$", re.MULTILINE)
ASKED_WHERE_CONFIGURED = {"sign-on", "replays-to-pod"}
NEVER_ASKED = {"from-esup-pod", "moodle"}
"""What these pages are about calls us, or is a file: `amphi check` has nothing to ask, and they quote none of its lines."""
PAGES = [
    page
    for page in sorted(CONNECT.glob("*.md"))
    if page.name.partition(".")[0] not in ASKED_WHERE_CONFIGURED | NEVER_ASKED
]
LANGUAGES = ["en", "fr"]
ROWS = """
import json, os, django
django.setup()
from amphi.audience.models import Broadcaster
from amphi.webinars.models import LiveGateway
rows = json.loads(os.environ["ROWS"])
for name, (dialect, url, token) in rows["gateways"].items():
    broadcaster = Broadcaster.objects.create(name=name, slug=dialect, hls_url=rows["hls"])
    LiveGateway.objects.create(
        broadcaster=broadcaster, dialect=dialect, sipmediagw_url=url, sipmediagw_token=token, rtmp_stream_url=rows["rtmp"]
    )
"""
LOOKS = """
import json, os, django
django.setup()
from django.test import override_settings
from amphi.checkup import cli
said = {}
for language in json.loads(os.environ["LANGUAGES"]):
    said[language] = lines = []
    for address in json.loads(os.environ["ADDRESSES"]):
        with override_settings(BBB_API_URL=f"{address}/bigbluebutton"):
            os.environ["LC_ALL"] = f"{language}_{language.upper()}.UTF-8"
            lines += [finding.line() for finding in cli.look()]
print(json.dumps(said))
"""
GENERAL = [
    (r"https?://[\w.-]+(:\d+)?", "URL"),
    (r"(\b(?:[\w-]+\.)+[a-z]{2,}|127\.0\.0\.1)(:\d+)?", "HOST"),
    (r"version [\d.]+", "version N"),
    (r"\b\d+ (meetings|réunions)", r"N \1"),
    (r"\b\d+ of \d+\b", "N of N"),
    (r"\b\d+ places libres sur \d+", "N places libres sur N"),
]
"""What differs from one university to another: addresses, versions of BBB, numbers."""


def general(line: str) -> str:
    """A line without what differs from one university to another."""
    for pattern, name in GENERAL:
        line = re.sub(pattern, name, line)
    return line


def check(env: services.Environment, addresses: list[str]) -> dict[str, set[str]]:
    """The lines that the command prints, by language, with each of the meeting servers: one process, which starts once."""
    asked = {**env, "ADDRESSES": json.dumps(addresses), "LANGUAGES": json.dumps(LANGUAGES)}
    said = json.loads(services.python(asked, "-c", LOOKS))
    return {language: {general(line) for line in lines} for language, lines in said.items()}


@pytest.fixture(scope="module")
def said(tmp_path_factory) -> Iterator[dict[str, set[str]]]:
    """What the command says, by language: of a classroom, our gateway, SIPMediaGW 1.6 and 1.8, nginx-rtmp, and bare servers."""
    folder = tmp_path_factory.mktemp("check")
    with ExitStack() as stack:
        http, of_2, gateway_port = nginx.free_ports(3)
        live = stack.enter_context(nginx.running_live_server(folder, web="127.0.0.1:9"))
        ours = f"http://127.0.0.1:{gateway_port}"
        gateways = {
            "Room 1": ("amphi", ours, TOKEN),
            "Salle 1": ("B", stack.enter_context(WireServer(Launcher("1.6"))).url, TOKEN),
            "Salle 2": ("D", stack.enter_context(WireServer(Proxy({}))).url, TOKEN),
        }
        rows = {"gateways": gateways, "hls": live.hls_url("salle"), "rtmp": live.rtmp_url("salle", "k")}
        variables = {
            "AMPHI_USE_MEETING_WEBINAR": "1",
            "AMPHI_BBB_SECRET_KEY": SECRET,
            "AMPHI_GATEWAY_TOKEN": TOKEN,
            "AMPHI_GATEWAY_HTTP": ours.removeprefix("http://"),
            "AMPHI_GATEWAY_MAX_JOBS": "4",
            "AMPHI_GATEWAY_WARM": "0",
            "ROWS": json.dumps(rows),
        }
        env = services.environment(folder, **variables)
        env = {name: value for name, value in env.items() if not name.startswith(("LC_", "LANG"))}
        services.migrate(env)
        services.python(env, "-c", ROWS)
        services.serve(stack, env, folder, "gateway", answers=f"{ours}/healthz")
        addresses = [
            stack.enter_context(running_classroom(http)),
            stack.enter_context(running_classroom(of_2, "2.7")),
        ]
        for version in ("3.0.4", ""):
            stage, server = open_stage()
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            stage.has_hooks, stage.version = False, version
            addresses.append(stage.url)
        yield check(env, addresses)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page_quotes_what_is_said(page, said):
    quoted = {general(line) for line in QUOTE.findall(page.read_text())}
    assert quoted
    assert quoted - said["fr" if page.name.endswith(".fr.md") else "en"] == set()


@pytest.mark.parametrize("page", sorted(CONNECT.glob("*.md")), ids=lambda page: page.name)
def test_page_that_is_left_out_quotes_nothing_that_nobody_checks(page):
    is_left_out = page.name.partition(".")[0] in NEVER_ASKED
    assert not (is_left_out and QUOTE.findall(page.read_text()))
