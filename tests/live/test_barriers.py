"""No barrier on the pages of a webinar that no other test walks: axe and the width, wide in the light and narrow in the dark."""

from collections.abc import Iterable

import pytest
from django.core import signing
from django.test import RequestFactory
from django.utils import translation
from django.views.defaults import server_error
from playwright.sync_api import Page

from amphi.audience import hands, posters, registration, reminders
from amphi.audience.models import Event, EventState, Registration, Reminder
from amphi.audience.personal_links import personal_link
from amphi.audience.speakers import Speaker
from amphi.audience.unsubscribing import unsubscribe_path
from amphi.pages.webinars.options import SECTIONS
from tests.browser import axe_violations, faults
from tests.live.test_invitation import upload
from tests.live.visits import Hall, Visit, session_of, visiting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OPEN_ALL = "for (const one of document.querySelectorAll('details')) one.open = true"
SUBMIT = """within => {
  const form = document.querySelector(`${within} form[method=post]`);
  for (const field of form.elements) {
    if (field.type === "number") field.value = "-1";
    if (field.tagName === "TEXTAREA" || field.type === "text") field.value = "x ".repeat(5000);
    if (field.tagName === "SELECT") field.selectedIndex = -1;
    if (field.type === "email") field.value = "";
    if (field.type === "file") {
      const files = new DataTransfer();
      files.items.add(new File(["no picture"], "a.png", { type: "image/png" }));
      field.files = files.files;
    }
  }
  form.noValidate = true;
  form.submit();
}"""


def walked(visit: Visit, url: str, pages: Iterable[tuple[str, str]]) -> list[str]:
    found: list[str] = []
    for name, path in pages:
        visit(lambda page, path=path: page.goto(url + path))
        found += [f"{name}: {line}" for line in visit(lambda page: faults(page, script=OPEN_ALL))]
    return found


def sent_wrong(page: Page, within: str) -> list[str]:
    """A form's errors, in the light and in the dark."""
    with page.expect_navigation():
        page.evaluate(SUBMIT, within)
    assert page.locator("[data-error-summary]").count() == 1, within
    found: list[str] = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.wait_for_function("scheme => document.documentElement.dataset.bsTheme === scheme", arg=scheme)
        found += [f"{within} {scheme}: {line}" for line in axe_violations(page, within)]
    return found


def registrations(event: Event) -> dict[str, Registration]:
    questions = ["Votre niveau ?*"]
    registration.set_rules(event, is_required=False, is_open=True, capacity=9, questions=questions)
    return {
        status: Registration.objects.create(
            event=event,
            address=f"p{number}@example.org",
            name="Léa Dupont",
            answers=[["Votre niveau ?", "L3"]],
            status=status,
            told_start_at=event.start_at,
        )
        for number, status in enumerate(Registration.Status.values)
    }


def test_pages_before_the_live_have_no_barrier(hall, web, audience_chromium):
    event = hall.event
    posters.keep(event, posters.draw(upload()))
    rows = registrations(event)
    stop = Reminder.objects.create(event=event, address="l@example.org", told_start_at=event.start_at)
    token = signing.dumps([event.pk, "l@example.org", "fr"], salt=reminders._SALT)
    unconfirmed = personal_link(rows["unconfirmed"]).partition(hall.path)[2]
    pages = {
        "event": hall.path,
        "list": "/",
        "reminder": f"{hall.path}reminder",
        "reminder to confirm": f"{hall.path}reminder/{token}",
        "reminder expired": f"{hall.path}reminder/x",
        "stop": unsubscribe_path(stop),
        "registration": f"{hall.path}registration",
        "registration to confirm": hall.path + unconfirmed,
        "link gone": f"{hall.path}r/1-x",
        "statement": "/accessibility/",
        "personal data": "/personal-data/",
    }
    with visiting(audience_chromium, web.url + hall.path) as visit:
        found = walked(visit, web.url, pages.items())
        for name in ("reminder", "registration"):
            visit(lambda page, name=name: page.goto(f"{web.url}{hall.path}{name}"))
            found += visit(lambda page: sent_wrong(page, "main"))
        visit(lambda page: page.fill("#id_name", "Zoé"))
        visit(lambda page: page.fill("#id_address", "zoe@example.org"))
        visit(lambda page: page.fill("#id_answer0", "L3"))
        visit(lambda page: page.press("#id_answer0", "Enter"))
        visit.see("main:has-text('zoe@example.org')")
        found += [f"sent: {line}" for line in visit(faults)]
        # A personal link, and the notice that goes with it.
        good = personal_link(rows["accepted"]).partition(hall.path)[2]
        visit(lambda page: page.goto(web.url + hall.path + good))
        visit.see(".event-presence")
        found += [f"personal: {line}" for line in visit(lambda page: faults(page, script=OPEN_ALL))]
        found += walked(visit, web.url, [("registered", f"{hall.path}registration")])
    Event.objects.filter(pk=event.pk).update(state=EventState.OVER)
    with visiting(audience_chromium, web.url + hall.path) as visit:
        found += walked(visit, web.url, [("closed", f"{hall.path}registration")])
    assert found == []


def test_pages_of_presenters_have_no_barrier(hall, web, audience_chromium):
    event, slug = hall.event, hall.livestream.meeting.slug
    registrations(event)
    options = f"/webinars/{slug}/options/"
    pages = [("registrations", f"/webinars/{slug}/registrations/"), ("options", options)]
    pages.append(("new link", f"/meetings/{slug}/invite/new-link/"))
    with visiting(audience_chromium, web.url + options, session_of(hall.presenter)) as visit:
        found = walked(visit, web.url, pages)
        visit(lambda page: page.goto(web.url + options))
        for section in SECTIONS:
            switches_only = section.key in {"audience", "questions"}  # nothing can be wrong
            if section.form.is_offered(hall.livestream) and not switches_only:
                found += visit(lambda page, key=section.key: sent_wrong(page, f"#{key}"))
    assert found == []


FORGED = """() => {
  const form = document.createElement("form");
  form.method = "post";
  form.action = "/accounts/login/";
  document.body.append(form);
  form.submit();
}"""


def refused(page: Page, url: str) -> list[str]:
    """The pages of what went wrong: a form of the desk, an address that is none, a form without its token, an error of ours."""
    found = sent_wrong(page, "#usher-new")
    page.goto(f"{url}/nothing/")
    found += [f"404: {line}" for line in faults(page)]
    with page.expect_navigation():
        page.evaluate(FORGED)
    assert page.title().startswith("Ce formulaire")
    found += [f"csrf: {line}" for line in faults(page)]
    # With the server's own styles; it has no address that fails.
    with translation.override("fr"):
        body = server_error(RequestFactory().get("/")).content.decode()
    page.route(
        f"{url}/failing/", lambda route: route.fulfill(status=500, content_type="text/html", body=body)
    )
    page.goto(f"{url}/failing/")
    assert page.title().startswith("Une erreur")
    return found + [f"500: {line}" for line in faults(page)]


def test_pages_of_what_went_wrong_have_no_barrier(hall, web, audience_chromium):
    with visiting(audience_chromium, f"{web.url}{hall.path}desk/", session_of(hall.presenter)) as visit:
        assert visit(lambda page: refused(page, web.url)) == []


def on_stage(hall: Hall) -> None:
    Event.objects.filter(pk=hall.event.pk).update(enable_hands=True)
    hall.apply("go_live", "media_seen")
    who = hall.listener
    hands.raise_hand(hall.event, by=Speaker(f"u{who.pk}", str(who), who), word="")
    hands.invite(hall.event, hall.event.hands.get().token)


def test_pages_of_a_listener_have_no_barrier(hall, web, audience_chromium):
    on_stage(hall)
    pages = [("live", hall.path), ("stage", f"{hall.path}stage"), ("refused", f"{hall.path}desk/")]
    with visiting(audience_chromium, web.url + hall.path, session_of(hall.listener)) as visit:
        visit.state("live")
        visit.see(".event-presence")
        found = walked(visit, web.url, pages)
    assert found == []
