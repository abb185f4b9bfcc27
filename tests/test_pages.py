"""Every page of presenters, in a real browser: accessible, in both languages, on a phone, in the light and in the dark."""

import re
from dataclasses import dataclass

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page

from amphi.accounts import tokens
from amphi.accounts.models import AccessGroup, User
from amphi.audience.models import Event
from amphi.meetings.domain import personal_room
from amphi.meetings.models import Attendance, Meeting, Session
from amphi.webinars import transitions
from amphi.webinars.models import Livestream, RaisedHand, State, Transition
from tests.browser import axe_violations
from tests.factories import in_hours, make_gateway, make_meeting, make_user, make_webinar
from tests.factories import put as put_row
from tests.webinars.bustle import bustle, listen, record

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = {"width": 320, "height": 640}
DESKTOP = {"width": 1280, "height": 800}


@pytest.fixture(autouse=True)
def in_use(settings):
    settings.USE_MEETING_WEBINAR = True
    settings.BBB_API_URL = "http://127.0.0.1:9/bigbluebutton"
    settings.BBB_SECRET_KEY = "secret"


def put(livestream: Livestream, state: State, *steps: str, **columns: object) -> Livestream:
    """Put a livestream where its history says it is."""
    now = timezone.now()
    old = State.IDLE
    for trigger in steps:
        new = transitions.TABLE[old, trigger]
        Transition.objects.create(
            livestream=livestream,
            old=old,
            new=new,
            trigger=trigger,
            actor=livestream.meeting.owner if trigger == transitions.GO_LIVE else None,
        )
        old = new
    assert old == state
    put_row(livestream, state, state_since=now, **columns)
    Meeting.objects.filter(pk=livestream.meeting_id).update(started_at=now, ended_at=None)
    return livestream


@dataclass
class Scene:
    presenter: User
    idle: Livestream
    live: Livestream
    failed: Livestream
    plain: Meeting
    shut: Event

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
            "delete-live": f"/meetings/{self.live.meeting.slug}/delete/",
            "duplicate": f"/meetings/{self.live.meeting.slug}/duplicate/",
            "invite": f"/meetings/{self.live.meeting.slug}/invite/",
            "sessions": f"/meetings/{self.plain.slug}/sessions/",
            "sessions-none": f"/meetings/{self.idle.meeting.slug}/sessions/",
            "audience": f"/webinars/{self.live.meeting.slug}/audience/",
            "audience-none": f"/webinars/{self.idle.meeting.slug}/audience/",
            "explained": "/webinars/explained/",
            "tokens": "/accounts/tokens/",
            "my-data": "/accounts/my-data/",
            "erase": "/accounts/my-data/erase/",
            "missing": "/nothing-is-here/",
        }


@pytest.fixture
def scene() -> Scene:
    presenter = make_user("marie", first_name="Marie", last_name="Curie")
    tokens.make(presenter, name="Emploi du temps", scopes=["meetings:read", "live:control"], days=90)
    colleague = make_user("pierre", first_name="Pierre", last_name="Curie")
    AccessGroup.objects.create(code_name="l1", display_name="Licence 1 – Physique")
    for name in ("a", "b", "c"):
        make_gateway(name)
    options = {
        "additional_owners": [colleague],
        "description": "Une introduction, avec des expériences en direct.",
    }
    idle = make_webinar(
        presenter, name="Cours magistral : thermodynamique", start_at=in_hours(30), is_restricted=True
    )
    live = make_webinar(presenter, name="Conférence : la radioactivité", start_at=in_hours(-0.2), **options)
    failed = make_webinar(colleague, name="Réunion de rentrée des L1", additional_owners=[presenter])
    plain = make_meeting(presenter, name="Point d’équipe", start_at=in_hours(3))
    put(live, State.LIVE, transitions.GO_LIVE, transitions.MEDIA_SEEN)
    bustle(live)
    listen(live)
    record(plain)
    columns = {"last_error": "gateway_unreachable", "has_hook": False}
    put(failed, State.FAILED, transitions.GO_LIVE, transitions.GIVE_UP, **columns)
    make_meeting(presenter, name="Atelier", recurrence="weekly", recurrence_days="1,3", recurrence_times=6)
    personal_room(presenter)
    for days in (7, 0):
        session = Session.objects.create(
            meeting=plain, internal_id=f"life-{days}", started_at=in_hours(-24 * days - 2)
        )
        people = [("Marie Curie", presenter, None), ("Ève du Pont", None, in_hours(-1))]
        for name, user, left_at in people:
            Attendance.objects.create(
                session=session,
                name=name,
                user=user,
                joined_at=in_hours(-2),
                left_at=left_at,
                user_id_in_bbb=name,
            )
    past = make_meeting(presenter, name="Séminaire du laboratoire")
    Meeting.objects.filter(pk=past.pk).update(start_at=in_hours(-50))
    Event.objects.filter(pk=failed.event_id).update(password="sésame")
    return Scene(presenter, idle, live, failed, plain, failed.event)


LOOK = {"fr": (DESKTOP, "light"), "en": (PHONE, "dark")}
"""What axe reads: each page in both languages, wide and narrow, in the light and in the dark, but not in all eight ways."""


def faults(page: Page, name: str, language: str) -> list[str]:
    """What is wrong with a page: what axe finds in one look, and whether it is wider than a screen of either size."""
    found: list[str] = []
    if page.get_attribute("html", "lang") != language:
        found.append("speaks another language")
    size, scheme = LOOK[language]
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.wait_for_function("scheme => document.documentElement.dataset.bsTheme === scheme", arg=scheme)
    found += [f"{size['width']} {scheme} {line}" for line in axe_violations(page)]
    for screen in (size, PHONE if size == DESKTOP else DESKTOP):
        page.set_viewport_size(screen)
        overflow = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if overflow > 0:
            found.append(f"{screen['width']} px: {overflow} px wider than the screen")
    return [f"{name} ({language}): {line}" for line in found]


def cookies(url: str, user: User, language: str) -> list[dict[str, str]]:
    """What a browser holds in which `user` has logged in."""
    client = Client()
    client.force_login(user)
    session = client.cookies[django_settings.SESSION_COOKIE_NAME].value
    pairs = {
        django_settings.SESSION_COOKIE_NAME: session,
        django_settings.LANGUAGE_COOKIE_NAME: language,
    }
    return [{"name": name, "value": value, "url": url} for name, value in pairs.items()]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_pages_of_presenters_are_accessible(live_server, chromium, scene, language):
    held = cookies(live_server.url, scene.presenter, language)

    def visit(context: BrowserContext) -> list[str]:
        found: list[str] = []
        context.add_cookies(held)
        page = context.new_page()
        page.on("pageerror", lambda error: found.append(f"script: {error}"))
        page.on("console", lambda line: line.type == "error" and found.append(f"console: {line.text}"))
        for name, path in scene.pages().items():
            page.goto(live_server.url + path)
            found += faults(page, name, language)
        page.goto(live_server.url + "/meetings/add/")
        page.get_by_role("button", name=re.compile("Save|Valider")).click()
        page.wait_for_selector("[data-error-summary]:focus")
        found += faults(page, "form-refused", language)
        page.goto(f"{live_server.url}/meetings/{scene.live.meeting.slug}/invite/")
        page.locator("#id_addresses").fill("jean@univ.fr\nirene@univ.fr")
        page.locator("button[value=preview]").click()
        page.wait_for_selector("#preview:focus")
        found += faults(page, "invite-preview", language)
        page.goto(f"{live_server.url}/meetings/{scene.plain.slug}/edit/")
        page.locator("details.options > summary").click()
        page.locator("[name=recurrence]").select_option("weekly")
        assert page.locator("#id_recurrence_until").is_visible()
        found += faults(page, "form-options", language)
        context.clear_cookies(name=django_settings.SESSION_COOKIE_NAME)
        page.goto(live_server.url + "/accounts/login/")
        found += faults(page, "login", language)
        page.goto(f"{live_server.url}/meetings/{scene.plain.slug}/join/")
        found += faults(page, "door", language)
        page.locator("#id_name").fill("Ada Lovelace")
        page.keyboard.press("Enter")
        page.wait_for_selector("[data-waiting]")
        found += faults(page, "waiting", language)
        page.goto(f"{live_server.url}/meetings/{scene.plain.slug}/left/")
        found += faults(page, "left", language)
        page.goto(live_server.url + scene.shut.get_absolute_url())
        found += faults(page, "password", language)
        page.locator("#id_password").fill("sésame")
        page.keyboard.press("Enter")
        page.wait_for_selector("#stage")
        return found

    found = chromium.run(visit)
    refusals = re.compile("console: .*(404|422)")  # Chromium logs each answer of these statuses
    assert [line for line in found if not refusals.match(line)] == []


def test_panel_follows_the_live_without_a_reload(live_server, chromium, scene):
    held = cookies(live_server.url, scene.presenter, "fr")
    livestream = scene.idle

    def opened(context: BrowserContext) -> Page:
        context.add_cookies(held)
        page = context.new_page()
        page.goto(f"{live_server.url}/meetings/{livestream.meeting.slug}/")
        page.evaluate("document.body.dataset.same = 'yes'")
        assert page.get_by_role("button", name="Démarrer le webinaire").is_visible()
        assert not page.get_by_role("button", name="Arrêter le direct").is_visible()
        return page

    with chromium.visitor() as step:
        page = step(opened)
        put(livestream, State.LIVE, transitions.GO_LIVE, transitions.MEDIA_SEEN)

        def follows(_: BrowserContext) -> None:
            page.get_by_text("Vous êtes à l’antenne").wait_for()
            page.get_by_role("button", name="Arrêter le direct").wait_for()
            page.get_by_role("button", name="Rejoindre le webinaire").wait_for()
            assert not page.get_by_role("button", name="Démarrer le webinaire").is_visible()
            assert page.locator("[data-history] li").count() == 2
            assert page.locator("[data-station=stream]").get_attribute("data-status") == "ok"
            assert page.locator("[data-note=hands] [role=status]").inner_text() == ""

        step(follows)
        bustle(livestream)

        def hears(_: BrowserContext) -> None:
            page.get_by_text("2 mains levées\u00a0: Ada Lovelace, Ève du Pont").wait_for()
            page.locator(".stage-facts").get_by_text("En cours, 4 participants").wait_for()
            page.get_by_text("14 réponses").wait_for()
            page.get_by_text("2 messages d’auditeurs n’ont pas pu être envoyés").wait_for()
            assert page.locator("[data-note=failed] q").all_inner_texts()[-1].startswith("Peut-on mesurer")
            page.evaluate("document.querySelector('[data-note=failed] li').dataset.same = 'yes'")
            assert page.evaluate("document.body.dataset.same") == "yes"

        step(hears)
        RaisedHand.objects.filter(name="Ada Lovelace").update(is_raised=False)

        def hears_only_news(_: BrowserContext) -> None:
            page.get_by_text("1 main levée\u00a0: Ève du Pont").wait_for()
            assert page.locator("[data-note=failed] li[data-same]").count() == 1

        step(hears_only_news)


@pytest.mark.parametrize(
    "order",
    [
        ("Terminer le webinaire", "Continuer le webinaire", "Le webinaire se termine", True),
        (
            "Arrêter le direct",
            "Continuer la diffusion",
            "Le direct s’arrête\u202f; la réunion continue",
            False,
        ),
    ],
    ids=["end", "stop"],
)
def test_ending_and_stopping_ask_first_and_work_by_keyboard(live_server, chromium, scene, order):
    button, safe, said, ends_meeting = order
    held = cookies(live_server.url, scene.presenter, "fr")

    def visit(context: BrowserContext) -> None:
        context.add_cookies(held)
        page = context.new_page()
        page.goto(f"{live_server.url}/meetings/{scene.live.meeting.slug}/")
        end = page.get_by_role("button", name=button)
        end.focus()
        page.keyboard.press("Enter")
        page.get_by_role("dialog").wait_for()
        assert page.locator(":focus").inner_text() == safe
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="hidden")
        assert end.evaluate("button => button === document.activeElement")
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.get_by_text(said).wait_for()

    chromium.run(visit)
    scene.live.refresh_from_db()
    assert (scene.live.state, scene.live.ends_meeting) == (State.STOPPING, ends_meeting)


def test_list_ends_the_webinar_that_was_meant(live_server, chromium, scene):
    held = cookies(live_server.url, scene.presenter, "fr")

    def visit(context: BrowserContext) -> None:
        context.add_cookies(held)
        page = context.new_page()
        page.goto(f"{live_server.url}/meetings/")
        page.locator("summary", has_text=f"Autres actions sur {scene.live.meeting.name}").click()
        page.get_by_role("button", name="Terminer le webinaire (réunion et direct)").locator(
            "visible=true"
        ).click()
        assert scene.live.meeting.name in page.get_by_role("dialog").inner_text()
        page.get_by_role("button", name="Terminer pour tout le monde").click()
        page.get_by_text("Le webinaire se termine").wait_for()

    chromium.run(visit)
    scene.live.refresh_from_db()
    assert scene.live.state == State.STOPPING


def test_menus_work_by_keyboard(live_server, chromium, scene):
    held = cookies(live_server.url, scene.presenter, "fr")

    def visit(context: BrowserContext) -> None:
        context.add_cookies(held)
        page = context.new_page()
        page.goto(f"{live_server.url}/meetings/")
        focused = page.locator(":focus")
        account, kinds = page.locator("summary.site-user"), page.locator(".filters summary")
        account.focus()
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Se déconnecter").wait_for()
        page.keyboard.press("ArrowDown")
        assert "Moyens de connexion" in focused.inner_text()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Se déconnecter").wait_for(state="hidden")
        assert focused.evaluate("one => one.matches('.site-user')")
        kinds.click()
        page.keyboard.press("ArrowUp")
        assert focused.inner_text() == "Réunions"
        page.keyboard.press("Tab")
        page.get_by_role("link", name="Réunions", exact=True).wait_for(state="hidden")
        kinds.click()
        page.get_by_role("heading", name="Mes réunions").click()
        page.get_by_role("link", name="Réunions", exact=True).wait_for(state="hidden")

    chromium.run(visit)


def test_waiting_room_goes_on_by_itself(live_server, chromium, scene):
    url = f"{live_server.url}/meetings/{scene.plain.slug}/join/"

    def waits(context: BrowserContext) -> Page:
        page = context.new_page()
        page.goto(url)
        page.get_by_label("Votre nom").fill("Ada Lovelace")
        page.get_by_role("button", name="Rejoindre la réunion").click()
        page.get_by_text("Vous entrerez sous le nom de Ada Lovelace").wait_for()
        return page

    with chromium.visitor(locale="fr-FR") as step:
        page = step(waits)
        Meeting.objects.filter(pk=scene.plain.pk).update(started_at=timezone.now())
        # The meeting server is nowhere in this test: that the page asks it shows that the meeting has begun for it.
        step(lambda _: page.get_by_text("Le serveur de réunion ne répond pas").wait_for())


def test_theme_chosen_stays_and_the_system_s_is_followed(live_server, chromium, scene):
    def theme(page: Page) -> str | None:
        return page.get_attribute("html", "data-bs-theme")

    def visit(context: BrowserContext) -> None:
        page = context.new_page()
        page.goto(f"{live_server.url}/accounts/login/")
        assert theme(page) == "dark"
        page.get_by_role("button", name=re.compile("Clair|Light")).click()
        assert theme(page) == "light"
        page.reload()
        assert theme(page) == "light"
        page.get_by_role("button", name=re.compile("Comme le système|Like the system")).click()
        assert theme(page) == "dark"

    chromium.run(visit, color_scheme="dark")


def test_menu_and_form_on_a_phone(live_server, chromium, scene):
    held = cookies(live_server.url, scene.presenter, "fr")

    def visit(context: BrowserContext) -> None:
        context.add_cookies(held)
        page = context.new_page()
        page.goto(f"{live_server.url}/meetings/")
        page.get_by_role("button", name="Ouvrir le menu").click()
        page.get_by_role("link", name="Directs").wait_for()
        assert page.locator(":focus").get_attribute("aria-label") == "Fermer"
        assert axe_violations(page) == []
        page.keyboard.press("Escape")
        page.get_by_role("link", name="Directs").wait_for(state="hidden")
        assert "Ouvrir le menu" in page.locator(":focus").inner_text()
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Fermer").click()
        page.get_by_role("link", name="Programmer un webinaire").click()
        page.get_by_label("Nom", exact=True).fill("Séance d’accueil")
        assert page.get_by_role("switch", name="Activer la discussion").is_visible()
        page.get_by_role("switch", name="Mode webinaire").uncheck()
        assert not page.get_by_role("switch", name="Activer la discussion").is_visible()
        page.get_by_role("button", name="Valider").click()
        page.get_by_text("La réunion est programmée").wait_for()

    chromium.run(visit, viewport=PHONE)
    assert Meeting.objects.filter(name="Séance d’accueil", is_webinar=False).exists()


def test_administration_works_with_its_libraries(live_server, chromium, scene):
    """Django's own: jQuery and what is built on it, which the policy of Trusted Types lets write their own controls."""
    admin = make_user("admin", is_staff=True, is_superuser=True)
    held = cookies(live_server.url, admin, "en")

    def visit(context: BrowserContext) -> tuple[list[str], str, int]:
        found: list[str] = []
        context.add_cookies(held)
        page = context.new_page()
        page.on("pageerror", lambda error: found.append(f"script: {error}"))
        page.on("console", lambda line: line.type == "error" and found.append(f"console: {line.text}"))
        page.goto(f"{live_server.url}/admin/accounts/user/{scene.presenter.pk}/change/")
        page.get_by_role("link", name="Today").first.click()
        page.locator("#id_access_groups_add_all").click()
        chosen = page.locator("#id_access_groups_to option").count()
        page.goto(f"{live_server.url}/admin/accounts/identity/add/")
        page.locator(".field-user .select2-selection").click()
        page.locator(".select2-search__field").last.fill("pierre")
        page.locator(".select2-results__option", has_text=re.compile("pierre", re.IGNORECASE)).click()
        return found, page.locator("#select2-id_user-container").inner_text(), chosen

    found, user, chosen = chromium.run(visit, viewport=DESKTOP)
    assert found == []
    assert "pierre" in user.lower()
    assert chosen == 1
