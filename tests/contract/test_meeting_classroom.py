"""A plain meeting from the invitation's link to the list of who came: our pages, a classroom, a real Chromium."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import BrowserContext, Page

from amphi.meetings import slides
from amphi.meetings.models import Attendance, Meeting
from amphi.meetings.server import meeting_server
from tests.browser import running
from tests.factories import make_meeting, make_user
from tests.meetings.test_slides import upload
from tests.waiting import answers, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SECRET = "a-secret-of-the-tests"
PATIENCE_S = 60.0


@pytest.fixture
def classroom(free_port, settings, live_server, tmp_path) -> Iterator[str]:
    url = f"http://127.0.0.1:{free_port}"
    settings.AMPHI_URL = live_server.url
    settings.BBB_API_URL, settings.BBB_SECRET_KEY = f"{url}/bigbluebutton", SECRET
    settings.MEDIA_ROOT = tmp_path / "files"
    env = {
        **os.environ,
        "AMPHI_CLASSROOM_SECRET": SECRET,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    arguments = ["--http", f"127.0.0.1:{free_port}"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "amphi", "classroom", *arguments], env=env, stderr=log
        )
    try:
        wait_for(lambda: process.poll() is not None or answers(f"{url}/healthz"), "the classroom")
        assert process.poll() is None, (tmp_path / "log").read_text()
        yield url
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def test_guest_waits_comes_in_and_is_listed(classroom, live_server):
    meeting = make_meeting(make_user("marie"), name="Point d’équipe", password="sésame")
    door = live_server.url + reverse("meetings:join", args=[meeting.slug])

    def waits(context: BrowserContext) -> Page:
        page = context.new_page()
        page.goto(door)
        page.get_by_label("Votre nom").fill("Ada Lovelace")
        page.get_by_label("Mot de passe de la réunion").fill("sésame")
        page.get_by_role("button", name="Rejoindre la réunion").click()
        page.get_by_text("La réunion n’a pas encore commencé").wait_for()
        return page

    def comes_in(_: BrowserContext) -> None:
        page.wait_for_url(f"{classroom}/**")

    presenter = Client()
    presenter.force_login(meeting.owner)
    with running() as chromium, chromium.visitor(locale="fr-FR") as step:
        page = step(waits)
        started = presenter.post(reverse("meetings:start", args=[meeting.slug]))
        assert started["Location"].startswith(f"{classroom}/bigbluebutton/api/join?")
        step(comes_in)
        wait_for(lambda: Attendance.objects.filter(name="Ada Lovelace", left_at=None).exists(), "Ada")
        meeting_server().end(meeting.bbb_id)
        wait_for(lambda: Attendance.objects.exclude(left_at=None).exists(), "the end")
    wait_for(lambda: Meeting.objects.exclude(ended_at=None).exists(), "the end of the meeting")
    listed = presenter.get(reverse("meetings:sessions", args=[meeting.slug])).content.decode()
    assert "Ada Lovelace" in listed


def test_slides_are_fetched_by_the_meeting_server(classroom, monkeypatch):
    fetched: list[str] = []
    found = slides.meeting_of
    monkeypatch.setattr(slides, "meeting_of", lambda token: fetched.append(token) or found(token))
    meeting = make_meeting(make_user("marie"), new_slides=upload())
    presenter = Client()
    presenter.force_login(meeting.owner)
    presenter.post(reverse("meetings:start", args=[meeting.slug]))
    wait_for(lambda: fetched, "the meeting server")
