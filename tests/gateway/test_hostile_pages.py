"""Pages that mean harm: what they claim, what they show, what they fetch. The gateway is as an operator runs it, without the sandbox."""

import http.server
import threading

import psutil
import pytest

from tests import ports

from .conftest import TOKEN, GatewayProcess, RtmpServer, color_of, darkest_of, wait_for

pytestmark = pytest.mark.browser

WHITE = 235  # the mean of a white page with little on it
CLAIMING = b"<!doctype html><html data-meeting-state=joined><body style='background: red'>"
CLIENT = """<!doctype html><html><body><div id="layout" style="height: 600px">
<div data-test="presentationContainer" style="height: 90px">slides</div><button data-test="leaveListenOnly">x</button>%s</div>"""


# A page in another language than the browser's, with a hint wherever a pointer may rest.
HINTING = f"""<!doctype html><html lang="fr"><body title="une indication" style="height: 700px; color: white">
{CLIENT % ""}<style>button {{ opacity: 0 }}</style><p>{"Ceci est un cours en français, que personne ne veut faire traduire. " * 20}</p>"""


class Site:
    """Pages by path; remembers what was asked for, and how long somebody went on taking what never ends."""

    def __init__(self, pages):
        self.asked = []
        self.cut = threading.Event()
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                site.asked.append(self.path)
                if self.path == "/endless":
                    self.flood()
                    return
                status, headers, body = pages.get(self.path.partition("?")[0], (404, {}, b""))
                self.send_response(status)
                for name, value in (
                    {"Content-Type": "text/html", "Content-Length": str(len(body))} | headers
                ).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def flood(self):
                self.send_response(200)
                self.send_header("Content-Type", "application/octet-stream")
                self.send_header("Content-Disposition", "attachment; filename=disk-full")
                self.end_headers()
                try:
                    while True:
                        self.wfile.write(b"x" * 65536)
                except OSError:
                    site.cut.set()

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def page(body):
    return 200, {}, body if isinstance(body, bytes) else body.encode()


@pytest.fixture(scope="module")
def secret_site():
    """What only this machine should see."""
    site = Site({"/secret": page("<body style='background: red'>secret"), "/secret.png": page(b"")})
    yield site
    site.close()


@pytest.fixture(scope="module")
def site(secret_site):
    shown = f'<iframe src="{secret_site.url}/secret"></iframe><img src="{secret_site.url}/secret.png">'
    shown += f'<iframe src="http://localhost:{secret_site.server.server_port}/secret"></iframe>'
    # Windows of its own and of the browser, over the meeting.
    shown += "<iframe src='other://app'></iframe><script>open('/claiming'); alert('red'); print(); "
    shown += "Notification.requestPermission(); navigator.geolocation.getCurrentPosition(() => {})</script>"
    pages = {
        "/claiming": page(CLAIMING),
        "/html5client/hinting": page(HINTING),
        "/html5client/spying": page(CLIENT % shown),
        "/html5client/led": page(CLIENT % '<iframe src="/leading-in"></iframe>'),
        "/html5client/flooding": page(
            CLIENT % "<script>setTimeout(() => { location = '/endless' }, 300)</script>"
        ),
    }
    pages["/leading-in"] = (302, {"Location": f"{secret_site.url}/secret"}, b"")
    site = Site(pages)
    pages["/leading-away"] = (302, {"Location": f"http://localhost:{site.server.server_port}/claiming"}, b"")
    yield site
    site.close()


@pytest.fixture(scope="module")
def rtmp(tmp_path_factory):
    server = RtmpServer(tmp_path_factory.mktemp("rtmp"))
    yield server
    server.close()


@pytest.fixture(scope="module")
def gateway():
    process = GatewayProcess(
        warm=0,
        max_jobs=6,
        join_timeout_s=5,
        classroom="",
        join_hosts="127.0.0.1,*.univ.fr",
        rtmp_hosts="127.0.0.1",
    )
    yield process
    process.close()


def start(gateway, job_id, join_url, rtmp_url):
    spec = {"join_url": join_url, "rtmp_url": rtmp_url, "room": job_id}
    return gateway.client.put(f"/jobs/{job_id}", json=spec)


def test_page_that_claims_to_be_a_meeting_is_none(gateway, site, rtmp):
    assert start(gateway, "claiming", f"{site.url}/claiming", rtmp.url("claiming")).status_code == 201
    job = gateway.wait_for_state("claiming", "idle")
    why = "not in the meeting after 5 s: the page of 127.0.0.1 shows no meeting"
    assert (job["reason"], job["detail"]) == ("join_timeout", why)
    assert not [path for path in rtmp.recordings() if path.name.startswith("claiming")]


def test_redirect_does_not_lead_to_other_hosts(gateway, site, rtmp):
    start(gateway, "away", f"{site.url}/leading-away", rtmp.url("away"))
    job = gateway.wait_for_state("away", "idle")
    assert (job["reason"], job["detail"]) == (
        "join_refused",
        "localhost is not among AMPHI_GATEWAY_JOIN_HOSTS",
    )


@pytest.mark.parametrize(
    ("join_url", "rtmp_url", "said"),
    [
        (
            "https://meet.example.org/x",
            "rtmp://127.0.0.1/live/x",
            "join_url: this gateway's settings do not allow meet.example.org",
        ),
        (
            "https://univ.fr.example.org/x",
            "rtmp://127.0.0.1/live/x",
            "join_url: this gateway's settings do not allow univ.fr.example.org",
        ),
        (
            "https://bbb.univ.fr/x",
            "rtmp://live.example.org/live/x",
            "rtmp_url: this gateway's settings do not allow live.example.org",
        ),
    ],
)
def test_other_hosts_are_refused(gateway, join_url, rtmp_url, said):
    refused = start(gateway, "elsewhere", join_url, rtmp_url)
    assert (refused.status_code, refused.json()["detail"]) == (400, said)


def test_other_hosts_are_refused_in_the_form_of_sipmediagw(gateway):
    query = {"room": "a", "domain": "meet.example.org", "rtmpDst": "rtmp://127.0.0.1/live/x"}
    refused = gateway.client.get("/start", params=query)
    assert refused.status_code == 400
    assert refused.json()["details"] == "join_url: this gateway's settings do not allow meet.example.org"


def test_inner_pages_are_not_shown_and_the_key_is_not_listed(gateway, site, secret_site, rtmp):
    start(gateway, "spying", f"{site.url}/html5client/spying", rtmp.url("spying"))
    gateway.wait_for_state("spying", "on_air")
    assert secret_site.asked == []
    # Whoever has an account on the machine can list what runs there, with its arguments.
    listed = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    assert any("ffmpeg" in line and str(rtmp.port) in line for line in listed)
    for secret in ("secret-key", "spying", TOKEN):
        assert not [line for line in listed if secret in line]
    wait_for(lambda: gateway.job("spying")["stats"]["frames"] > 30)
    gateway.client.delete("/jobs/spying")
    gateway.wait_for_state("spying", "idle")
    (recording,) = [path for path in rtmp.recordings() if path.name.startswith("spying")]
    for at_s in (0, 1, 2, 3):
        assert min(color_of(recording, at_s)) > WHITE


def test_browser_shows_nothing_of_its_own_over_the_meeting(gateway, site, rtmp):
    """Neither a hint at the pointer nor the offer to translate the page."""
    start(gateway, "hinting", f"{site.url}/html5client/hinting", rtmp.url("hinting"))
    wait_for(lambda: gateway.job("hinting")["stats"]["frames"] > 30)
    gateway.client.delete("/jobs/hinting")
    gateway.wait_for_state("hinting", "idle")
    (recording,) = [path for path in rtmp.recordings() if path.name.startswith("hinting")]
    for at_s in (1, 3, 5):
        assert darkest_of(recording, at_s) > WHITE


def features_of(arguments):
    """The features that each of these arguments switches off."""
    name = "--disable-features="
    return [set(each.removeprefix(name).split(",")) for each in arguments if each.startswith(name)]


def test_browser_loads_no_page_of_its_own(gateway, site, rtmp):
    """Those of the address bar took half of the processor time of a start; Chromium heeds the last list of features alone."""
    start(gateway, "alone", f"{site.url}/html5client/hinting", rtmp.url("alone"))
    wait_for(lambda: gateway.job("alone")["stats"]["frames"] > 10)
    commands = [process.cmdline() for process in gateway.children()]
    assert any("--type=renderer" in command for command in commands)
    assert [command for command in commands if "--top-chrome-webui" in command] == []
    (browser,) = [command for command in commands if "--kiosk" in command and "--type" not in str(command)]
    playwrights, ours = features_of(browser)
    assert playwrights < ours
    gateway.client.delete("/jobs/alone")
    gateway.wait_for_state("alone", "idle")


def test_page_whose_redirects_lead_to_inner_pages_is_left(gateway, site):
    nowhere = f"rtmp://127.0.0.1:{ports.reserve()}/live/x"
    start(gateway, "led", f"{site.url}/html5client/led", nowhere)
    job = gateway.wait_for_state("led", "idle")
    why = "the page was led to 127.0.0.1, which only this machine or network can reach"
    assert (job["reason"], job["detail"]) == ("join_refused", why)


def test_downloads_are_cut(gateway, site):
    nowhere = f"rtmp://127.0.0.1:{ports.reserve()}/live/x"
    start(gateway, "flooding", f"{site.url}/html5client/flooding", nowhere)
    wait_for(lambda: "/endless" in site.asked)
    assert site.cut.wait(20)
    gateway.client.delete("/jobs/flooding")
    gateway.wait_for_state("flooding", "idle")
