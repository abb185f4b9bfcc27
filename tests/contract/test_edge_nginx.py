"""Debian's nginx with the site's configuration that we give: pages, the event stream, and one copy of each part for everybody."""

import json
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page

from amphi.system import logs
from tests import browser, services
from tests.abuse import slow_clients
from tests.contract.edge import BUCKET, PATIENCE_S, Edge, running

PROTOCOLS = """() => [...new Set(performance.getEntries().filter(one => one.name.startsWith(location.origin))
  .map(one => one.nextHopProtocol).filter(Boolean))]"""
PLAYS = "() => document.getElementById('video').currentTime > 2"
SOUND_ALONE = "localStorage.setItem('amphi quality', 'sound')"


@pytest.fixture(scope="module")
def edge(tmp_path_factory) -> Iterator[Edge]:
    with running(tmp_path_factory.mktemp("edge")) as one:
        yield one


def playlist(edge: Edge) -> str:
    """The media playlist, once the publisher has filled it."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        answer = edge.hls("room/main.m3u8")
        if answer.status_code == 200:
            return answer.text
        assert answer.status_code == 404
        time.sleep(0.1)
    raise AssertionError("nothing came on the air")


def test_page(edge):
    answer = edge.client.get(f"{edge.url}/")
    assert answer.status_code == 200
    assert answer.headers["strict-transport-security"]
    login = edge.client.get(f"{edge.url}/accounts/login/")
    assert "Secure" in login.headers["set-cookie"]
    assert edge.client.get(f"{edge.url}/static/theme.js").status_code == 200


def test_scripts_that_nginx_serves_have_a_type_that_browsers_run(edge):
    static = edge.folder / "static"
    scripts = [file for file in static.rglob("*js") if file.is_file()]
    assert any(file.suffix == ".mjs" for file in scripts)
    served = [
        edge.client.head(f"{edge.url}/static/{file.relative_to(static).as_posix()}") for file in scripts
    ]
    odd = {
        str(answer.url): (answer.status_code, answer.headers["content-type"])
        for answer in served
        if answer.headers["content-type"].partition(";")[0]
        not in {"text/javascript", "application/javascript"}
    }
    assert odd == {}
    assert {answer.headers["cache-control"] for answer in served} == {"max-age=3600"}  # by nginx itself


@pytest.mark.parametrize("coding", ["br", "gzip"])
def test_the_player_comes_compressed(edge, coding):
    file = "static/vendor/hls.js/hls.light.min.mjs"
    answer = edge.client.head(f"{edge.url}/{file}", headers={"Accept-Encoding": coding})
    assert answer.headers["content-encoding"] == coding
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["strict-transport-security"]
    assert int(answer.headers["content-length"]) < (edge.folder / file).stat().st_size / 3


def test_plain_http_is_sent_on(edge):
    answer = edge.client.get(f"{edge.plain}/live/?a=b")
    assert (answer.status_code, answer.headers["location"]) == (301, "https://localhost/live/?a=b")


def test_nobody_sees_what_is_backstage_until_it_goes_live(edge):
    def look() -> int:
        return edge.hls("side.m3u8", stream="side", event_id=edge.hidden_id).status_code

    assert look() == 403
    edge.apply("OPEN", edge.hidden_id)
    deadline = time.monotonic() + PATIENCE_S
    while (status := look()) == 403 and time.monotonic() < deadline:
        time.sleep(0.1)
    # The door is open; nobody sends anything in this test.
    assert status == 404


def test_event_stream_comes_as_it_is_written(edge):
    url = f"{edge.url}/live/{edge.event_id}/events?ticket={edge.ticket()}"
    with edge.client.stream("GET", url) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        # The stream stays open: what it begins with came without waiting for more.
        assert next(answer.iter_text()).startswith("retry: ")


def segment_of(edge: Edge) -> str:
    lines = playlist(edge).splitlines()
    return "room/" + next(line for line in lines if line.endswith(".m4s"))


def test_part_is_fetched_once_whatever_the_ticket(edge):
    segment = segment_of(edge)
    answers = [edge.hls(segment, viewer=f"a{number}") for number in range(4)]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert [answer.headers["x-cache"] for answer in answers] == ["MISS", "HIT", "HIT", "HIT"]
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    "of_ticket",
    [{"key": "another key"}, {"stream": "other"}, {"seconds": -1}],
    ids=["forged", "of another stream", "expired"],
)
def test_ticket_that_is_not_good_gets_nothing_of_the_cache(edge, of_ticket):
    segment = segment_of(edge)
    assert edge.hls(segment).status_code == 200
    for path in (segment, "room.m3u8", "room/main.m3u8"):
        assert edge.hls(path, **of_ticket).status_code == 403
    assert edge.client.get(f"{edge.url}/t/x/hls/{segment}").status_code == 403


def test_ticket_of_another_event_on_the_same_stream_gets_nothing(edge):
    """Its page is open to all, days ahead, and its ticket names the same stream."""
    segment = segment_of(edge)
    assert edge.hls(segment).status_code == 200
    for path in (segment, "room.m3u8", "room/main.m3u8"):
        assert edge.hls(path, event_id=edge.coming_id).status_code == 403


def test_nothing_without_a_ticket(edge):
    segment = segment_of(edge)
    assert edge.client.get(f"{edge.url}/hls/{segment}").status_code == 403
    assert edge.client.get(f"{edge.url}/hls/room.m3u8").status_code == 403
    for trick in (
        "/t//hls/room.m3u8",
        f"/t/{edge.ticket()}/hls/../streams",
        f"/t/{edge.ticket()}/streams",
        "/edge/ticket",
    ):
        assert edge.client.get(edge.url + trick).status_code in {400, 403, 404}, trick


@pytest.mark.parametrize("rendition", ["main", "sound"])
def test_blocking_requests_of_a_crowd_wait_at_the_origin_and_not_for_each_other(edge, rendition):
    """Those that nginx has wait for another's answer are looked after every half second only."""
    text = playlist(edge)
    first = int(text.partition("#EXT-X-MEDIA-SEQUENCE:")[2].splitlines()[0])
    coming = first + text.count("\n#EXTINF:") + 1
    path = f"room/{rendition}.m3u8?_HLS_msn={coming}&_HLS_part=0"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: edge.hls(path, viewer=f"a{number}"), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["x-cache"] for answer in answers} == {"BYPASS"}
    assert not [key for key in _keys_of_the_cache(edge) if f" {coming} 0" in key]


def test_platform_sees_playlists_as_they_are_now_and_listeners_have_what_it_saw(edge):
    playlist(edge)
    url, afresh = f"{edge.url}/t/{edge.ticket()}/hls", {"Cache-Control": "no-cache"}
    for path in ("room.m3u8", "room/main.m3u8"):
        seen = [edge.client.get(f"{url}/{path}", headers=afresh).headers["x-cache"] for _ in range(2)]
        assert seen == ["BYPASS", "BYPASS"], path
        assert edge.client.get(f"{url}/{path}").headers["x-cache"] in {"HIT", "EXPIRED"}
    segment = segment_of(edge)
    assert edge.hls(segment).status_code == 200
    assert edge.client.get(f"{url}/{segment}", headers=afresh).headers["x-cache"] == "HIT"


def test_a_part_that_a_crowd_asks_for_in_one_moment_reaches_the_origin_once(edge):
    for _ in range(3):
        newest = re.findall(r'PART:DURATION=[\d.]+,URI="(\w+/p\d+\.m4s)"', playlist(edge))[-1]
        with ThreadPoolExecutor(8) as pool:
            paths = [f"room/{newest}"] * 8
            answers = list(pool.map(lambda pair: edge.hls(pair[1], viewer=f"a{pair[0]}"), enumerate(paths)))
        assert {answer.status_code for answer in answers} == {200}
        assert sum(answer.headers["x-cache"] == "MISS" for answer in answers) <= 1


def test_two_copies_of_a_playlist_at_most_whatever_clients_say_they_take(edge):
    playlist(edge)
    answers = {}
    for coding in ("gzip, br", "br;q=1.0, gzip;q=0.8", "gzip", "identity", "br", "x" * 50):
        url = f"{edge.url}/t/{edge.ticket()}/hls/room/main.m3u8"
        answers[coding] = edge.client.get(url, headers={"Accept-Encoding": coding})
    assert {answer.headers.get("content-encoding") for answer in answers.values()} <= {"gzip", None}
    assert all("gzip" in coding for coding in answers if "content-encoding" in answers[coding].headers)
    assert len([key for key in _keys_of_the_cache(edge) if "/room/main.m3u8" in key]) == 2


def test_disguised_directive_poisons_nothing(edge):
    """What the cache's key leaves out does not reach the origin."""
    playlist(edge)
    answer = edge.hls("room/main.m3u8?%5fHLS_msn=999999")
    assert answer.status_code == 200
    assert edge.hls("room/main.m3u8?other=1").headers["cache-control"] == "public, max-age=0, s-maxage=1"


def _keys_of_the_cache(edge: Edge) -> list[str]:
    """What the cache holds, by the key that each of its files begins with."""
    files = [file for file in (edge.folder / "cache/hls").rglob("*") if file.is_file()]
    found = [re.search(rb"\nKEY: (.*)\n", file.read_bytes()[:2000]) for file in files]
    return [key[1].decode() for key in found if key]


def test_addresses_that_no_player_asks_for_fill_no_cache(edge):
    segment = segment_of(edge)
    assert edge.hls(segment).status_code == 200
    for number in range(10):
        for path in (
            f"{segment}?_HLS_msn={number}",
            f"{segment}?_HLS_skip=YES&_HLS_part={number}",
            f"room/main.m3u8?_HLS_skip=junk{number}",
            f"room/main.m3u8?_HLS_msn=00{number}",
            f"room/main.m3u8?_HLS_part=x{number}",
            f"room.m3u8?_HLS_msn={number}",
        ):
            assert edge.hls(path).status_code == 400, path
        assert edge.hls(f"room/main.m3u8?_HLS_msn={number}").headers["cache-control"] == "no-store"
    keys = _keys_of_the_cache(edge)
    assert len([key for key in keys if segment in key]) == 1
    assert not [key for key in keys if re.search(r"junk|none|m3u8 0*\d( |$)", key)]


def test_a_small_crowd_of_the_load_test_hears_and_sees_all(edge):
    playlist(edge)
    plan = "--listeners 20 --viewers 6 --seconds 20 --messages 2 --json --ca".split()
    command = ("loadtest", f"{edge.url}/live/{edge.slug}/", *plan, str(edge.certificate.file))
    said = services.python(edge.environment, "-m", "amphi", *command)
    found = json.loads(said)
    assert (found["joined"], found["failures"], found["troubles"]) == (20, [], {})
    assert found["messages"] > 3
    assert found["deliveries"] >= 10 * found["messages"]
    assert found["came_and_went"] == 2
    assert found["parts"] > 60
    assert found["media_mbit_s"] > 0
    assert None not in (
        found["join_p99_s"],
        found["message_p99_ms"],
        found["late_p99_ms"],
        found["picture_p99_s"],
    )


SECRETS = {
    "/t/SECRET/hls/room.m3u8": "/t/.../hls/room.m3u8",
    "/t/SECRET/elsewhere": "/t/...",
    "/live/1/events?ticket=SECRET": "/live/1/events",
    "/meeting/lecture/SECRET/its-end": "/meeting/lecture/...",
    "/g/SECRET": "/g/...",
    "/meetings/lecture/join/SECRET/": "/meetings/...",
    "/meetings/slides/SECRET/a.pdf": "/meetings/...",
    "/meetings/slides/SECRET/": "/meetings/...",
    "/webinars/meetings/SECRET/events?checksum=SECRET": "/webinars/...",
    "/SECRET": "...",
    "/accounts/login/?next=/meetings/lecture/join/SECRET/": "/accounts/login/",
    "/meetings/lecture/edit/?key=SECRET": "/meetings/lecture/edit/",
    "/%C3%A9/SECRET": "...",
    "/t/SECRET/replay/12/main.m3u8": "/t/.../replay/12/...",
    "/t/SECRET/replay/12/SECRET/SECRET.m4s": "/t/.../replay/12/...",
}
"""Addresses that hold a secret, or may, and what nginx writes down of them."""
SECRET = "Secret-0-Of_a:Ticket"


def visit(edge: Edge) -> str:
    """Ask for each of the `SECRETS`; what nginx has written down once it has written the last."""
    for address in SECRETS:
        edge.client.get(
            edge.url + address.replace("SECRET", SECRET), headers={"Referer": f"{edge.url}/{SECRET}"}
        )
    last = f"/static/the-last-{time.time_ns()}"
    edge.client.get(edge.url + last)
    deadline = time.monotonic() + PATIENCE_S
    while last not in (log := (edge.folder / "access.log").read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return log


def test_logs_hold_no_secret(edge):
    log = visit(edge)
    for written in SECRETS.values():
        assert f'"GET {written}" ' in log
    assert log.isascii()
    everything = log + "".join(file.read_text() for file in edge.folder.glob("*.log"))
    assert SECRET not in everything


def test_platform_cuts_addresses_as_nginx_does():
    for address, written in SECRETS.items():
        path = unquote(address.partition("?")[0])
        # nginx keeps the meeting's name and the stream's; the platform's lines are few, and leave them out.
        kept = re.sub(r"(?<=^/meeting/).*|(?<=^/t/).*", "...", written)
        assert logs.without_secrets(path) == kept


def test_a_replay_is_sent_by_nginx_to_those_whose_ticket_opens_it(edge):
    def ask(path: str, *, headers: dict[str, str] | None = None, **of_ticket) -> httpx.Response:
        ticket = edge.ticket(**{"stream": f"replay:{edge.replay_id}", "event_id": edge.coming_id} | of_ticket)
        return edge.client.get(f"{edge.url}/t/{ticket}/replay/{edge.replay_id}/{path}", headers=headers)

    listed = ask("main.m3u8")
    assert listed.status_code == 200
    assert listed.headers["content-encoding"] == "gzip"
    first, second = (line for line in listed.text.splitlines() if line.endswith(".m4s"))
    whole = ask(first)
    assert (whole.status_code, whole.content) == (200, b"one chunk")
    assert whole.headers["content-type"] == "video/mp4"
    # By nginx itself.
    assert "etag" in whole.headers
    assert ask(first, headers={"Range": "bytes=4-6"}).content == b"chu"
    others = [
        {"key": "another-key-" + "x" * 40},
        {"stream": "room"},
        {"stream": f"replay:{edge.replay_id + 1}"},
        {"seconds": -1},
        {"event_id": edge.event_id},
    ]
    for of_ticket in others:
        assert {ask(path, **of_ticket).status_code for path in (first, "main.m3u8")} == {403}, of_ticket
    assert ask(first.rpartition("/")[0] + "/index").status_code == 404
    # What is in the bucket alone: nginx asks the platform, which leads there.
    (Path(edge.environment["AMPHI_RECORDINGS"]) / str(edge.coming_id) / second).unlink()
    led = ask(second)
    assert led.status_code == 302
    assert led.headers["location"].startswith(f"{BUCKET}/replays/{edge.coming_id}/{second}?X-Amz-")
    assert led.headers["cache-control"] == "no-store"
    assert {ask(second, **of_ticket).status_code for of_ticket in others} == {403}
    assert ask("files/missing0-1.jpg").status_code == 404


def test_only_the_live_server_asks_who_may_publish(edge):
    for name in ("on-publish", "on-publish-done"):
        form = {"name": "room", "key": "a-guess"}
        assert edge.client.post(f"{edge.url}/webinars/{name}", data=form).status_code == 404


def test_browsers_are_told_once_to_come_by_https_only(edge):
    for address in ("/", "/static/accounts/none.css", "/hls/room.m3u8", "/accounts/login/"):
        headers = edge.client.get(edge.url + address).headers
        assert headers.get_list("strict-transport-security") == ["max-age=31536000"], address
    assert edge.hls("hls/room.m3u8").headers.get_list("strict-transport-security") == ["max-age=31536000"]


def test_slow_clients_of_every_kind_hold_up_nobody(edge):
    """They are cut off in time, which takes that time: `make test-abuse` waits for it."""
    with ExitStack() as stack:
        for kind in slow_clients.kinds(edge):
            stack.callback(kind.close)
            kind.fill(20)
        segment = segment_of(edge)
        assert edge.hls(segment, viewer="a-quick-one").status_code == 200
        assert edge.client.get(f"{edge.url}/live/{edge.slug}/").status_code == 200
        test_event_stream_comes_as_it_is_written(edge)


@pytest.mark.browser
def test_seven_tabs_of_one_browser_play_and_hear_over_http2(edge):
    """By HTTP/1.1 a browser has six connections to a host, and each tab holds one while it waits for its next playlist."""
    playlist(edge)
    edge.apply("MEDIA_SEEN", edge.event_id)
    trusted = f"--ignore-certificate-errors-spki-list={edge.certificate.spki}"
    with browser.running(trusted) as chromium, chromium.visitor(locale="fr") as step:

        def open_tab(context: BrowserContext) -> Page:
            page = context.new_page()
            page.add_init_script(SOUND_ALONE)  # it asks as often, and costs less
            page.goto(f"{edge.url}/live/{edge.slug}/", wait_until="domcontentloaded")
            return page

        tabs = step(lambda context: [open_tab(context) for _ in range(7)])
        step(lambda _: [page.wait_for_function(PLAYS) for page in tabs])
        edge.say("à tous")
        heard = '.chat-text:text-is("à tous")'
        step(lambda _: [page.wait_for_selector(heard, state="attached") for page in tabs])
        assert step(lambda _: [page.evaluate(PROTOCOLS) for page in tabs]) == [["h2"]] * 7


def test_who_watches_already_goes_on_while_the_platform_hangs_and_is_gone(edge):
    """The last test of this file: the platform is gone afterwards."""
    segment = segment_of(edge)
    watching = f"{edge.url}/t/{edge.ticket(viewer='a-patient-one', seconds=5)}/hls/{segment}"
    assert edge.client.get(watching).status_code == 200
    edge.web.send_signal(signal.SIGSTOP)
    time.sleep(5.5)  # the answer that is remembered runs out with the ticket
    # nginx itself waits for an answer for five seconds.
    assert edge.client.get(watching, timeout=4).status_code == 200
    edge.web.kill()
    edge.web.wait(PATIENCE_S)
    assert edge.client.get(watching).status_code == 200
    assert edge.hls(segment, viewer="a-new-one").status_code == 500
    # What went wrong is told by its status alone.
    assert '"GET /meetings/..." 502 ' in visit(edge)
    assert not any(SECRET in file.read_text() for file in edge.folder.glob("*.log"))
