"""`amphi gateway check`: what an operator reads of a meeting, before a webinar counts on it."""

import io
import subprocess
import sys

import pytest

from amphi.gateway import check, fonts
from amphi.gateway.meeting_page import Observation, Report

from .client_stand_in import ClientServer
from .visits import context  # noqa: F401 -- a fixture


def run(join_url):
    """The exit status and what was printed."""
    command = [sys.executable, "-m", "amphi", "gateway", "check", join_url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert "secret" not in done.stdout + done.stderr
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def client():
    servers = []

    def make(era, **scene):
        servers.append(ClientServer(era, **scene))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


@pytest.mark.browser
def test_meeting_that_a_webinar_can_be_sent_from(client):
    bbb = client("3.0", view="clean", sound="forced")
    status, said = run(bbb.join_url)
    lines = said.splitlines()
    assert status == 0, said
    assert lines[:2] == [
        "OK    browser: it starts, and can be filmed and heard.",
        "OK    fonts: emoji, Chinese, Japanese, Korean, Arabic, mathematics can be drawn.",
    ]
    assert "OK    client: BigBlueButton 3.0.14." in lines
    assert "OK    client: all 8 names that the gateway rests on are there." in lines
    assert "OK    sound: the meeting is heard." in lines
    assert "OK    chat: it can be shown and hidden." in lines
    assert lines[-1] == "OK    connection: it held for 3 s. A webinar can be sent from this meeting."
    assert not bbb.heard("text")


@pytest.mark.browser
def test_meeting_that_is_not_there(client):
    bbb = client("2.7", screen="error", error={"title": "Non trouvé", "code": "404"})
    status, said = run(bbb.join_url)
    assert status == 1
    assert said.endswith(
        "ERROR entry: the client shows an error: Non trouvé 404. Start the meeting, then make a new join address.\n"
    )


@pytest.mark.integration
@pytest.mark.parametrize("address", ["bbb.univ.fr", "file:///etc/passwd", ""])
def test_address_that_is_none(address):
    status, said = run(address)
    assert status == 2
    assert said.startswith("amphi gateway check: join_url ")


def told(tell, *args):
    findings = check.Findings(io.StringIO())
    tell(*args, findings)
    return findings.output.getvalue().splitlines(), findings.is_good


def test_version_that_nobody_has_read_is_a_warning():
    lines, is_good = told(check.tell_client, Report("5.0.1", {"a": True}), "bigbluebutton")
    assert lines == [
        f"WARN  client: BigBlueButton 5.0.1, which this gateway does not know. {check.NEW_ADVICE}",
        "OK    client: all 1 names that the gateway rests on are there.",
    ]
    assert is_good


def test_names_that_are_missing_are_told():
    lines, is_good = told(check.tell_client, Report("", {"a": True, "the chat": False}), "bigbluebutton")
    assert lines == [
        "OK    client: BigBlueButton of a version that it does not tell.",
        f"WARN  client: not found: the chat. {check.NAME_ADVICE}",
    ]
    assert is_good


def test_scripts_without_a_font_are_a_warning():
    lines, is_good = told(check.tell_fonts, ["Korean", "Arabic"])
    assert lines[0].startswith("WARN  fonts: none for Korean, Arabic: they are boxes in the picture. On the")
    assert is_good


@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="session")
async def test_fonts_are_asked_for_by_what_is_drawn(context):  # noqa: F811 -- the fixture
    page = await context.new_page()
    assert await fonts.missing(page) == []
    undefined = {"Latin": "é", "nobody's": "a\U000e1234"}
    assert await fonts.missing(page, undefined) == ["nobody's"]
    await page.close()


def test_meeting_without_sound_is_a_warning():
    lines, _ = told(
        check.tell_sound, Observation("joined", "no_sound", "in the meeting without its sound: why")
    )
    assert lines == [f"WARN  sound: in the meeting without its sound: why. {check.ADVICE['no_sound']}"]
