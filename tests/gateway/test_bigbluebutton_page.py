"""The adapter of BigBlueButton's client, in a real Chromium, held against pages built as the client's source builds them."""

import asyncio
import time

import pytest
import pytest_asyncio
from playwright.async_api import Error, async_playwright

from amphi.gateway import meeting_page
from amphi.gateway.chat import one_line
from amphi.gateway.exceptions import ChatRefusedError
from amphi.gateway.job_state import Event
from tests.conftest import CHROMIUM, CHROMIUM_ARGUMENTS

from .client_stand_in import ClientServer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

ERAS = ["2.6", "2.7", "3.0"]
AUTOPLAY = "--autoplay-policy=no-user-gesture-required"
LATER = "(ms) => { const now = performance.now.bind(performance); performance.now = () => now() + ms; }"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def context():
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[*CHROMIUM_ARGUMENTS, AUTOPLAY],
            ignore_default_args=["--mute-audio"],
        )
        yield await browser.new_context(viewport={"width": 1280, "height": 720}, locale="fr-FR")
        await browser.close()


class Visit:
    """One visit of the bot: its page, the server behind it, and what was seen on the way."""

    def __init__(self, page, client):
        self.page = page
        self.client = client
        self.seen = []

    async def look(self):
        try:
            seen = await meeting_page.observe(self.page, any_page=False, name="streaming")
        except Error:  # the page is being left for another
            seen = meeting_page.Observation()
        if not self.seen or self.seen[-1] != seen:
            self.seen.append(seen)
        return seen

    async def until(self, condition, *, within_s=15):
        """Look until what is seen is as wanted; returns that."""
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            seen = await self.look()
            if condition(seen):
                return seen
            await asyncio.sleep(0.05)
        pytest.fail(f"seen: {self.seen}")

    async def until_state(self, state, **wanted):
        return await self.until(
            lambda seen: (
                seen.state == state and all(getattr(seen, name) == value for name, value in wanted.items())
            )
        )

    async def show(self, **scene):
        """Have the client in another state, at once."""
        self.client.change(**scene)
        await self.page.evaluate("(scene) => show(scene)", self.client.scene)

    async def later(self, ms):
        """Have time pass for the page."""
        await self.page.evaluate(LATER, ms)

    @property
    def steps(self):
        return [seen.detail for seen in self.seen]


@pytest_asyncio.fixture(loop_scope="module")
async def visit(context):
    """Opens the client of an era as the gateway does."""
    visits = []

    async def open_page(era, **scene):
        client = ClientServer(era, **scene)
        page = await context.new_page()
        await page.add_init_script(meeting_page.script())
        visits.append(Visit(page, client))
        await page.goto(client.join_url, wait_until="commit")
        return visits[-1]

    yield open_page
    for each in visits:
        await each.page.close()
        each.client.close()


# --- The way in ---


@pytest.mark.parametrize("era", ERAS)
async def test_listen_only_is_pressed_once_and_heard(visit, era):
    visitor = await visit(era, screen="loading")
    assert (
        await visitor.until(lambda seen: seen.kind == "bigbluebutton")
    ).detail == "the meeting’s client is loading"
    visitor.client.change(screen="meeting")
    entered = await visitor.until_state("joined")
    assert (entered.event, entered.reason, entered.detail) == (Event.ENTERED, "", "")
    await visitor.until(lambda _: visitor.client.heard("pressed") == ["listen only"])
    assert "the client asks how to hear the meeting: listen only" in visitor.steps
    assert await visitor.page.evaluate("document.getElementById('remote-media').srcObject.active")


@pytest.mark.parametrize("era", ["2.7", "3.0"])
@pytest.mark.parametrize("sound", ["forced", "out of sight"])
async def test_a_clean_join_needs_no_press_and_no_bar(visit, era, sound):
    """Without bars the sound shows on its element, or on the dialog that goes."""
    visitor = await visit(era, view="clean", sound=sound)
    await visitor.until_state("joined", reason="")
    assert len(visitor.client.heard("pressed")) == 1


@pytest.mark.parametrize("era", ["2.7", "3.0"])
async def test_blocked_sound_is_told_to_play(visit, era):
    visitor = await visit(era, sound="blocked")
    await visitor.until_state("joined", reason="")
    assert visitor.client.heard("pressed") == ["listen only", "play"]


async def test_a_client_that_does_not_ask_is_asked(visit):
    visitor = await visit("2.7", sound="not asked")
    await visitor.until(lambda seen: "has not asked" in seen.detail)
    await visitor.later(4000)
    await visitor.until_state("joined", reason="")


@pytest.mark.parametrize(
    ("sound", "why"),
    [
        ("microphone only", "the meeting offers no listening without a microphone"),
        ("fails", "the client can’t connect the sound: x Code 1010 Retour"),
    ],
)
async def test_a_meeting_that_can_t_be_heard_is_entered_all_the_same(visit, sound, why):
    visitor = await visit("2.7", sound=sound)
    await visitor.until(lambda seen: seen.detail == why)
    await visitor.later(20_000)
    entered = await visitor.until_state("joined")
    assert (entered.reason, entered.detail) == ("no_sound", f"in the meeting without its sound: {why}")


@pytest.mark.parametrize("era", ERAS)
async def test_a_moderator_lets_the_bot_in(visit, era):
    visitor = await visit(era, screen="lobby", lobby="waiting")
    await visitor.until_state(
        "joining", reason="waiting_for_approval", detail="a moderator has to let the bot in"
    )
    visitor.client.change(screen="meeting", lobby="allowed")
    await visitor.until_state("joined", reason="")


@pytest.mark.parametrize("era", ["2.7", "3.0"])
async def test_a_moderator_turns_the_bot_away(visit, era):
    visitor = await visit(era, screen="lobby", lobby="waiting")
    await visitor.until_state("joining", reason="waiting_for_approval")
    visitor.client.change(lobby="denied")
    await visitor.until(lambda seen: seen.detail == "a moderator has answered")
    await visitor.later(6000)
    refused = await visitor.until_state("refused")
    assert refused.detail == "no moderator let the bot in: Accès refusé"


# --- What goes wrong ---


LAST_SCREENS = {
    "Cette séance est terminée": ("ended", ""),
    "Ada Banned a clos la séance": ("ended", ""),
    "La séance est close car sa durée maximale est atteinte": ("ended", ""),
    "Vous avez été déconnecté de la réunion": ("refused", "session_expired"),
    "Vous avez été exclu de la séance": ("removed", ""),
    "You have been removed from the meeting": ("removed", ""),
    "Utilisateur trop longtemps inactif": ("removed", ""),
    "Le nombre maximum de participants pour cette séance a été atteint.": ("refused", "meeting_full"),
    "Le jeton d'autorisation n'a pas pu être validé": ("refused", "session_expired"),
}


@pytest.mark.parametrize("era", ERAS)
async def test_the_last_screen(visit, era):
    visitor = await visit(era)
    await visitor.until_state("joined")
    for title, (state, reason) in LAST_SCREENS.items():
        await visitor.show(screen="ended", title=title)
        seen = await visitor.look()
        assert (seen.state, seen.reason, seen.detail) == (state, reason, f"the client says: {title}")


ERRORS_OF_2 = [
    ({"title": "Non autorisé", "code": "401"}, "refused", "session_expired"),
    ({"title": "Non trouvé", "code": "404"}, "refused", "meeting_not_found"),
    ({"title": "Cette réunion est close", "code": "410"}, "ended", ""),
    ({"title": "Vous avez été exclu", "code": "403"}, "removed", ""),
    ({"title": "Vous avez été déconnecté", "code": "503"}, "refused", "session_expired"),
    ({"title": "Oups, quelque chose s'est mal passé", "code": "500"}, "refused", "client_error"),
]
ERRORS_OF_3 = [
    ({"title": "Oops", "message": "La réunion est introuvable"}, "refused", "meeting_not_found"),
    ({"title": "Oops", "message": "Le jeton de séance a été remplacé"}, "refused", "session_expired"),
    ({"title": "Oops", "message": "L'utilisateur a été banni"}, "removed", ""),
    ({"title": "Oops", "message": "Authentication timeout"}, "refused", "client_error"),
    ({"title": "Oops\x1b[2J", "message": "Red\u202eder"}, "refused", "client_error"),
]


@pytest.mark.parametrize(("era", "errors"), [("2.6", ERRORS_OF_2), ("3.0", ERRORS_OF_3)])
async def test_the_error_screen(visit, era, errors):
    visitor = await visit(era, screen="loading")
    await visitor.until(lambda seen: seen.kind)
    for error, state, reason in errors:
        await visitor.show(screen="error", error=error)
        seen = await visitor.look()
        assert (seen.state, seen.reason) == (state, reason), error
        said = error.get("message") or error["code"]
        assert seen.detail == one_line(f"the client shows an error: {error['title']} {said}")


REFUSALS = {
    "invalidMeetingIdentifier": ("refused", "meeting_not_found"),
    "maxParticipantsReached": ("refused", "meeting_full"),
    "missingSession": ("refused", "session_expired"),
    "meetingForciblyEnded": ("ended", ""),
    "guestDeny": ("refused", ""),
}


async def test_what_the_api_refuses(visit):
    visitor = await visit("2.7", screen="loading")
    client = visitor.client
    message = "It can't be joined"
    for key, (state, reason) in REFUSALS.items():
        client.xml = f"<response><returncode>FAILED</returncode><messageKey>{key}</messageKey><message>{message}</message></response>"
        client.errors = [{"key": key, "message": message}]
        for address in (f"http://{client.host}/bigbluebutton/api/error", client.join_url):
            await visitor.page.goto(address)
            seen = await visitor.look()
            assert (seen.state, seen.reason, seen.detail) == (state, reason, f"{key}: {message}")


BANNERS = [
    "Connecting ...",
    "Connexion…",
    "Disconnected. Trying to reconnect in 5 seconds ...",
    "Reconnection in progress",
]


async def test_a_lost_connection_is_told_from_other_notices(visit):
    visitor = await visit("2.7", banner="Temps restant pour la séance : 12:00")
    await visitor.until_state("joined")
    for banner in BANNERS:
        await visitor.show(banner=banner)
        lost = await visitor.look()
        assert (lost.state, lost.reason, lost.is_there, lost.event) == (
            "reconnecting",
            "disconnected",
            True,
            None,
        )
        assert lost.detail == f"the client has lost the meeting and reconnects: {banner}"
    await visitor.show(banner="Nous constatons des problèmes de connectivité.")
    assert (await visitor.look()).state == "joined"


async def test_sound_that_is_lost_later_is_missed(visit):
    visitor = await visit("2.7", view="clean", sound="forced")
    await visitor.until_state("joined", reason="")
    await visitor.page.wait_for_function("!document.getElementById('remote-media').paused")
    await visitor.look()
    await visitor.show(sound="lost")
    assert not (await visitor.look()).reason
    await visitor.later(20_000)
    lost = await visitor.until_state("reconnecting", reason="no_sound")
    assert lost.detail.startswith("the sound is lost: ")


# --- What is filmed ---


@pytest.mark.parametrize("era", ["2.7", "3.0"])
async def test_notices_are_not_filmed(visit, era):
    visitor = await visit(era, details=True, banner="Temps restant pour la séance : 12:00")
    await visitor.until_state("joined")
    picture = "(name) => { const found = document.querySelector(name); return !found || getComputedStyle(found).visibility === 'hidden' || !found.getClientRects().length }"
    for name in [
        ".Toastify",
        "[data-test='talkingIndicator']",
        "[data-test='notificationBannerBar']",
        ".ReactModal__Overlay",
    ]:
        assert await visitor.page.evaluate(picture, name), name
    assert not await visitor.page.query_selector("[data-test='sessionDetailsModal']")


@pytest.mark.parametrize("era", ["2.7", "3.0"])
@pytest.mark.parametrize("view", ["full", "plain", "clean"])
async def test_chat_panel_is_brought_to_a_state(visit, era, view):
    visitor = await visit(era, view=view, sound="forced")
    await visitor.until_state("joined")
    assert await meeting_page.show_chat(visitor.page, shown=None) == (view == "full")
    for shown in (True, True, False, False, True):
        assert await meeting_page.show_chat(visitor.page, shown=shown) is shown
        assert await meeting_page.show_chat(visitor.page, shown=None) is shown
        assert (await visitor.look()).state == "joined"
        if not shown:
            assert not await visitor.page.query_selector("[data-test='userListContent']")


async def test_chat_panel_that_is_not_there_is_said(visit):
    visitor = await visit("2.7", view="clean", sound="forced")
    await visitor.until_state("joined")
    await visitor.page.evaluate("delete document.getElementById('layout').__reactFiber$standin")
    assert await meeting_page.show_chat(visitor.page, shown=True) is False
    with pytest.raises(ChatRefusedError, match="the meeting’s chat can’t be opened"):
        await meeting_page.send_chat(visitor.page, "Bonjour")


async def test_layout_of_another_version_is_left_alone(visit):
    visitor = await visit("2.7", view="clean", sound="forced")
    await visitor.until_state("joined")
    await visitor.page.evaluate("delete ACTIONS.setIdChatOpen")
    assert await meeting_page.show_chat(visitor.page, shown=True) is False
    assert (await visitor.look()).state == "joined"


# --- The chat ---

TEXT = 'Ada: ‘quoted’ "and" $(id) <b> 🎓\nsecond line'


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("view", ["full", "clean"])
async def test_chat_is_typed_and_the_panel_is_as_before(visit, era, view):
    visitor = await visit(era, view=view, sound="forced")
    await visitor.until_state("joined")
    was_shown = view == "full"
    assert await meeting_page.is_writing_seen(visitor.page) is not was_shown
    for text in (TEXT, "again"):
        await meeting_page.send_chat(visitor.page, text)
    await visitor.until(lambda _: visitor.client.heard("text") == [TEXT, "again"])
    assert await meeting_page.show_chat(visitor.page, shown=None) is was_shown


@pytest.mark.parametrize(
    ("scene", "why"),
    [
        ({"chat": "locked"}, "the meeting’s chat is locked"),
        ({"chat": "stuck"}, "the meeting’s chat did not send the message"),
        ({"longest": 5}, "the message is longer than the meeting’s chat takes"),
    ],
)
async def test_chat_that_is_not_taken_is_said(visit, scene, why):
    visitor = await visit("2.7", view="clean", sound="forced", **scene)
    await visitor.until_state("joined")
    with pytest.raises(ChatRefusedError, match=why):
        await meeting_page.send_chat(visitor.page, "Bonjour à tous")
    assert not visitor.client.heard("text")
    assert await meeting_page.show_chat(visitor.page, shown=None) is False
    if "chat" in scene:
        return
    await meeting_page.send_chat(visitor.page, "short")
    await visitor.until(lambda _: visitor.client.heard("text") == ["short"])
