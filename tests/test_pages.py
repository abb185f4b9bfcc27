"""Every page of presenters, in a real browser: accessible, in both languages, on a phone, in the light and in the dark."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page

from amphi.accounts.models import AccessGroup, User
from amphi.meetings.models import Meeting
from amphi.webinars import transitions
from amphi.webinars.models import Livestream, State, Transition
from tests import browser
from tests.browser import Chromium, axe_violations
from tests.factories import in_hours, make_gateway, make_meeting, make_user, make_webinar

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = {"width": 320, "height": 640}
DESKTOP = {"width": 1280, "height": 800}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    with browser.running() as one:
        yield one


@pytest.fixture(autouse=True)
def in_use(settings):
    settings.USE_MEETING_WEBINAR = True


def put(livestream: Livestream, state: State, *steps: str, **columns: object) -> Livestream:
    """Put a livestream where its history says it is."""
    now = timezone.now()
    old = State.IDLE
    for event in steps:
        new = transitions.TABLE[old, event]
        Transition.objects.create(
            livestream=livestream, old=old, new=new, event=event, actor=livestream.meeting.owner
        )
        old = new
    assert old == state
    Livestream.objects.filter(pk=livestream.pk).update(state=state, state_since=now, **columns)
    Meeting.objects.filter(pk=livestream.meeting_id).update(started_at=now, ended_at=None)
    return livestream


@dataclass
class Scene:
    presenter: User
    idle: Livestream
    live: Livestream
    failed: Livestream
    plain: Meeting

    def pages(self) -> dict[str, str]:
        """Every page of presenters, by name."""
        return {
            "list": "/meetings/",
            "list-past": "/meetings/?when=past",
            "list-nothing": "/meetings/?q=zzz",
            "form": "/meetings/add/?webinar=1",
            "form-edit": f"/meetings/{self.live.meeting.slug}/edit/",
            "meeting": f"/meetings/{self.plain.slug}/",
            "panel-idle": f"/meetings/{self.idle.meeting.slug}/",
            "panel-live": f"/meetings/{self.live.meeting.slug}/",
            "panel-failed": f"/meetings/{self.failed.meeting.slug}/",
            "delete": f"/meetings/{self.idle.meeting.slug}/delete/",
            "explained": "/webinars/explained/",
            "missing": "/nothing-is-here/",
        }


@pytest.fixture
def scene() -> Scene:
    presenter = make_user("marie", first_name="Marie", last_name="Curie")
    colleague = make_user("pierre", first_name="Pierre", last_name="Curie")
    AccessGroup.objects.create(code_name="l1", display_name="Licence 1 – Physique")
    for name in ("a", "b", "c"):
        make_gateway(name)
    options = {
        "additional_owners": [colleague],
        "description": "Une introduction, avec des expériences en direct.",
    }
    idle = make_webinar(
        presenter, name="Cours magistral : thermodynamique", start_at=in_hours(30), is_restricted=True
    )
    live = make_webinar(presenter, name="Conférence : la radioactivité", start_at=in_hours(-0.2), **options)
    failed = make_webinar(colleague, name="Réunion de rentrée des L1", additional_owners=[presenter])
    plain = make_meeting(presenter, name="Point d’équipe", start_at=in_hours(3))
    put(live, State.LIVE, transitions.GO_LIVE, transitions.MEDIA_SEEN)
    put(failed, State.FAILED, transitions.GO_LIVE, transitions.GIVE_UP, last_error="gateway_unreachable")
    past = make_meeting(presenter, name="Séminaire du laboratoire")
    Meeting.objects.filter(pk=past.pk).update(start_at=in_hours(-50))
    return Scene(presenter, idle, live, failed, plain)


LOOKS = {
    "fr": [(DESKTOP, "light"), (PHONE, "dark")],
    "en": [(DESKTOP, "dark"), (PHONE, "light")],
}


def faults(page: Page, name: str, language: str) -> list[str]:
    """What is wrong with a page, wide and narrow, light and dark; the two languages share the four looks."""
    found: list[str] = []
    if page.get_attribute("html", "lang") != language:
        found.append("speaks another language")
    for size, scheme in LOOKS[language]:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.wait_for_function("scheme => document.documentElement.dataset.bsTheme === scheme", arg=scheme)
        found += [f"{size['width']} {scheme} {line}" for line in axe_violations(page)]
        overflow = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if overflow > 0:
            found.append(f"{size['width']} px: {overflow} px wider than the screen")
    return [f"{name} ({language}): {line}" for line in found]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_pages_of_presenters_are_accessible(live_server, chromium, scene, language):
    client = Client()
    client.force_login(scene.presenter)
    session = client.cookies[django_settings.SESSION_COOKIE_NAME].value

    def visit(context: BrowserContext) -> list[str]:
        found: list[str] = []
        for name, value in (
            (django_settings.SESSION_COOKIE_NAME, session),
            (django_settings.LANGUAGE_COOKIE_NAME, language),
        ):
            context.add_cookies([{"name": name, "value": value, "url": live_server.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: found.append(f"script: {error}"))
        page.on("console", lambda line: line.type == "error" and found.append(f"console: {line.text}"))
        for name, path in scene.pages().items():
            page.goto(live_server.url + path)
            found += faults(page, name, language)
        page.goto(live_server.url + "/meetings/add/")
        page.get_by_role("button", name=re.compile("Save|Enregistrer")).click()
        page.wait_for_selector("[data-error-summary]:focus")
        found += faults(page, "form-refused", language)
        context.clear_cookies(name=django_settings.SESSION_COOKIE_NAME)
        page.goto(live_server.url + "/accounts/login/")
        return found + faults(page, "login", language)

    found = chromium.run(visit)
    expected = [line for line in found if line.startswith("console:") and re.search(" 40[34]| 422", line)]
    assert [line for line in found if line not in expected] == []
