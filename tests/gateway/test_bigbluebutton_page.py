"""The adapter of BigBlueButton's client, in a real Chromium, held against pages built as the client's source builds them.

What it must say of each situation, in each era of the client and each language, is in `test_bigbluebutton_situations.py`.
"""

import pytest

from amphi.gateway import meeting_page
from amphi.gateway.exceptions import ChatRefusedError
from amphi.gateway.job_state import Trigger
from amphi.gateway.layouts import Layout

from .client_stand_in import ERAS, VERSIONS
from .visits import context, visit  # noqa: F401 -- fixtures

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NAME = {era: "data-testid" if era == "4.0" else "data-test" for era in ERAS}
CLEAN = {"view": "clean", "sound": "forced"}
SOON_S = 10
"""Less than the 15 s after which silence alone is missed."""


# --- The way in ---


@pytest.mark.parametrize("era", ERAS)
async def test_listen_only_is_pressed_once_and_heard(visit, era):  # noqa: F811
    visitor = await visit(era, screen="loading")
    loading = await visitor.until(lambda seen: seen.kind == "bigbluebutton")
    assert loading.detail == "the meeting’s client is loading"
    visitor.client.change(screen="meeting")
    entered = await visitor.until_state("joined")
    assert (entered.trigger, entered.reason, entered.detail) == (Trigger.ENTERED, "", "")
    await visitor.until_said("pressed", "listen only")
    assert "the client asks how to hear the meeting: listen only" in visitor.steps


@pytest.mark.parametrize("era", ["2.7", "3.0"])
async def test_a_clean_join_needs_no_press_and_no_bar(visit, era):  # noqa: F811
    """Where no element plays and no bar has a button, the dialog that goes tells of the sound."""
    visitor = await visit(era, view="clean", sound="out of sight")
    await visitor.until_state("joined", reason="")
    assert len(visitor.client.heard("pressed")) == 1


async def test_a_client_that_does_not_ask_is_asked(visit):  # noqa: F811
    visitor = await visit("2.7", sound="not asked")
    await visitor.until(lambda seen: "has not asked" in seen.detail)
    await visitor.later(4000)
    await visitor.until_state("joined", reason="")


async def test_dialog_of_the_sound_that_another_replaced_is_not_sound_heard(visit):  # noqa: F811
    """The client draws one dialog at a time: what is gone may only be hidden."""
    visitor = await visit("3.0", view="clean", sound="microphone only")
    await visitor.until(lambda seen: "without a microphone" in seen.detail)
    await visitor.page.evaluate("closeDialog('sound')")
    assert (await visitor.look()).detail == "the client has not asked yet how to hear the meeting"
    await visitor.later(20_000)
    assert (await visitor.until_state("joined")).reason == "no_sound"


@pytest.mark.parametrize("era", ["3.0 livekit", "4.0"])
async def test_voices_of_livekit_come_and_go(visit, era):  # noqa: F811
    """There is no element that plays while nobody speaks: only #remote-media may say that the sound was lost."""
    visitor = await visit(era, **CLEAN)
    await visitor.until_state("joined", reason="")
    await visitor.page.wait_for_function("() => document.getElementById('voice')?.paused === false")
    for talking in (False, True, False):
        await visitor.show(talking=talking)
        await visitor.look()
        await visitor.later(40_000)
        assert (await visitor.until_state("joined")).reason == ""


async def test_sound_that_is_lost_later_is_missed(visit):  # noqa: F811
    visitor = await visit("2.7", **CLEAN)
    await visitor.until_state("joined", reason="")
    await visitor.page.wait_for_function("() => !document.getElementById('remote-media').paused")
    await visitor.look()
    await visitor.show(sound="lost")
    assert not (await visitor.look()).reason
    await visitor.later(20_000)
    lost = await visitor.until_state("reconnecting", reason="no_sound")
    assert lost.detail.startswith("the sound is lost: ")


@pytest.mark.parametrize(
    ("key", "reason"),
    [("maxParticipantsReached", "meeting_full"), ("invalidMeetingIdentifier", "meeting_not_found")],
)
async def test_join_that_the_server_can_not_do_is_said_with_its_words(visit, key, reason):  # noqa: F811
    visitor = await visit("2.7", screen="loading")
    visitor.client.errors = [{"key": key, "message": "The words of the server"}]
    await visitor.page.goto(visitor.client.join_url)
    refused = await visitor.until_state("refused")
    assert (refused.reason, refused.detail) == (reason, f"{key}: The words of the server")


async def test_moderator_who_does_not_let_the_bot_in_is_said(visit):  # noqa: F811
    visitor = await visit("3.0", screen="lobby", lobby="denied")
    denied = await visitor.until_state("refused")
    why = "no moderator let the bot in: L'accès de l'invité à la séance a été refusé."
    assert (denied.reason, denied.detail) == ("", why)


# --- The way back ---


async def test_socket_that_is_back_is_no_loss(visit):  # noqa: F811
    visitor = await visit("3.0", retryMs=100, **CLEAN)
    await visitor.until_state("joined", reason="")
    visitor.client.data.lose()
    await visitor.until_state("reconnecting", reason="disconnected", within_s=SOON_S)
    visitor.client.data.takes = True
    await visitor.until_state("joined", reason="", within_s=SOON_S)


async def test_socket_on_which_nothing_comes_is_lost(visit):  # noqa: F811
    """The server pings each 10 s only, so the bot asks."""
    visitor = await visit("3.0", **CLEAN)
    await visitor.until_state("joined", reason="")
    await visitor.until(lambda _: visitor.client.data.has_answered)
    await visitor.page.wait_for_function("() => pongs > 0")
    visitor.client.data.says = set()
    lost = await visitor.until_state("reconnecting", reason="disconnected", within_s=SOON_S)
    assert lost.detail == "the client has lost the meeting and reconnects: its data connection is gone"
    visitor.client.data.says = {"ping", "pong"}
    await visitor.until_state("joined", reason="", within_s=SOON_S)


async def test_server_that_answers_no_question_is_not_missed_for_that(visit):  # noqa: F811
    visitor = await visit("3.0", **CLEAN)
    visitor.client.data.says = {"ping"}
    await visitor.until_state("joined", reason="")
    # Far below the 15 s after which silence alone is missed: a busy machine adds time of its own.
    await visitor.later(3_000)
    for _ in range(3):
        await visitor.look()
        await visitor.later(800)
    assert (await visitor.look()).state == "joined"
    await visitor.later(15_000)
    await visitor.until_state("reconnecting", reason="disconnected", within_s=SOON_S)


async def test_sockets_of_another_kind_are_not_watched(visit):  # noqa: F811
    visitor = await visit("3.0", **CLEAN)
    await visitor.until_state("joined", reason="")
    kept = await visitor.page.evaluate(
        "() => { const socket = new WebSocket(scene.data); return [socket instanceof WebSocket, WebSocket.OPEN, socket.protocol] }"
    )
    assert kept == [True, 1, ""]
    await visitor.later(20_000)
    await visitor.until_state("joined", reason="", within_s=SOON_S)


# --- What is filmed ---


@pytest.mark.parametrize("era", ["2.7", "3.0", "4.0"])
async def test_notices_are_not_filmed(visit, era):  # noqa: F811
    visitor = await visit(era, details=True, banner="Temps restant pour la séance : 12:00")
    await visitor.until_state("joined")
    named = [
        f"[{NAME[era]}='{name}']"
        for name in ("talkingIndicator", "notificationBannerBar", "whiteboardOptionsButton")
    ]
    for name in [".Toastify", ".ReactModal__Overlay", *named]:
        assert not await visitor.is_filmed(name), name
    assert await visitor.is_filmed(".slides")
    assert not await visitor.page.query_selector(f"[{NAME[era]}='sessionDetailsModal']")


@pytest.mark.parametrize(
    ("era", "view"),
    [
        *((era, "clean") for era in ERAS),
        *((era, "full") for era in ("2.7", "3.0", "4.0")),
        ("2.6", "plain"),
        ("3.0 livekit", "plain"),
    ],
)
async def test_chat_panel_is_brought_to_a_state(visit, era, view):  # noqa: F811
    visitor = await visit(era, view=view, sound="forced")
    await visitor.until_state("joined")
    assert await meeting_page.show_chat(visitor.page, shown=None) == (view == "full")
    for shown in (True, True, False, False, True):
        assert await meeting_page.show_chat(visitor.page, shown=shown) is shown
        assert await meeting_page.show_chat(visitor.page, shown=None) is shown
        assert (await visitor.look()).state == "joined"
        assert not await visitor.page.query_selector(f"[{NAME[era]}='userListContent']")
    assert not await visitor.page.query_selector(".spinner")


@pytest.mark.parametrize("era", ["2.7", "4.0"])
async def test_names_of_participants_leave_the_picture(visit, era):  # noqa: F811
    """The list that a server opens at the entry, with the chat next to it or not."""
    visitor = await visit(era, sound="forced")
    await visitor.until_state("joined")
    opened = (
        "change([PANEL, 'userlist'], ['setSidebarContentIsOpen', true])" if era == "4.0" else "toggleList()"
    )
    await visitor.page.evaluate(opened)
    await visitor.page.wait_for_selector(f"[{NAME[era]}='userListContent']")
    assert await meeting_page.show_chat(visitor.page, shown=False) is False
    assert not await visitor.page.query_selector(f"[{NAME[era]}='userListContent']")


@pytest.mark.parametrize("era", ["3.0", "4.0"])
async def test_chat_panel_while_a_dialog_is_open(visit, era):  # noqa: F811
    """Its focus-trap cancels every click outside: what is pressed there does nothing."""
    visitor = await visit(era, view="full", sound="forced")
    await visitor.until_state("joined")
    await visitor.page.evaluate("showDetails()")
    assert await meeting_page.show_chat(visitor.page, shown=False) is False
    assert await meeting_page.show_chat(visitor.page, shown=True) is True
    await meeting_page.send_chat(visitor.page, "Bonjour")
    await visitor.until_said("text", "Bonjour")
    assert not visitor.client.heard("swallowed")


@pytest.mark.parametrize("era", ["2.7", "3.0"])
async def test_chat_panel_that_is_not_there_is_said(visit, era):  # noqa: F811
    visitor = await visit(era, **CLEAN)
    await visitor.until_state("joined")
    await visitor.page.evaluate("delete document.getElementById('layout').__reactFiber$standin")
    assert await meeting_page.show_chat(visitor.page, shown=True) is False
    with pytest.raises(ChatRefusedError, match="the meeting’s chat can’t be opened"):
        await meeting_page.send_chat(visitor.page, "Bonjour")


async def test_panel_that_does_not_become_the_chat_is_closed_again(visit):  # noqa: F811
    """Nothing of what failed may stay in the picture: here, a private chat under the public one's name."""
    visitor = await visit("3.0", **CLEAN)
    await visitor.until_state("joined")
    await visitor.page.evaluate("window.meetingClientSettings.public.chat.public_group_id = 'another'")
    assert await meeting_page.show_chat(visitor.page, shown=True) is False
    assert not await visitor.page.query_selector("section.chat, nav")


async def test_layout_of_another_version_is_left_alone(visit):  # noqa: F811
    visitor = await visit("2.7", **CLEAN)
    await visitor.until_state("joined")
    await visitor.page.evaluate("delete ACTIONS.setIdChatOpen")
    assert await meeting_page.show_chat(visitor.page, shown=True) is False
    assert (await visitor.look()).state == "joined"


# --- The chat ---

TEXT = 'Ada: ‘quoted’ "and" $(id) 🎓\nsecond line'


@pytest.mark.parametrize(
    ("era", "view"),
    [("2.6", "clean"), ("2.7", "full"), ("3.0", "clean"), ("3.0 livekit", "full"), ("4.0", "clean")],
)
async def test_chat_is_typed_and_the_panel_is_as_before(visit, era, view):  # noqa: F811
    visitor = await visit(era, view=view, sound="forced")
    await visitor.until_state("joined")
    was_shown = view == "full"
    assert await meeting_page.is_writing_seen(visitor.page) is not was_shown
    for text in (TEXT, "again"):
        await meeting_page.send_chat(visitor.page, text)
    await visitor.until_said("text", TEXT, "again")
    assert await meeting_page.show_chat(visitor.page, shown=None) is was_shown


MARKDOWN = [
    ("**bold** _it_ `code`", r"\*\*bold\*\* \_it\_ \`code\`"),
    ("[link](javascript:x) ![i](j)", r"\[link\](javascript:x) \!\[i\](j)"),
    ("<img src=x> &amp;", r"\<img src=x\> \&amp;"),
    ("# title", r"\# title"),
    ("- item", r"\- item"),
    ("1. first", r"1\. first"),
    ("2 + 2 - 1 = 3. (ok)", "2 + 2 - 1 = 3. (ok)"),
    ("https://univ.fr/a_b?c=*d and_more", r"https://univ.fr/a_b?c=*d and\_more"),
    ("a | b ~~c~~ \\", r"a \| b \~\~c\~\~ \\"),
]


@pytest.mark.parametrize("era", ["2.7", "3.0"])
async def test_what_is_typed_is_shown_as_it_was_written(visit, era):  # noqa: F811
    """BigBlueButton reads messages as Markdown since 3.0."""
    visitor = await visit(era, **CLEAN)
    await visitor.until_state("joined")
    for text, _ in MARKDOWN:
        await meeting_page.send_chat(visitor.page, text)
    await visitor.until_said("text", *(escaped if era == "3.0" else text for text, escaped in MARKDOWN))


@pytest.mark.parametrize(
    ("scene", "why"),
    [
        ({"chat": "locked"}, "the meeting’s chat is locked"),
        ({"chat": "stuck"}, "the meeting’s chat did not send the message"),
        ({"longest": 5}, "the message is longer than the meeting’s chat takes"),
    ],
)
async def test_chat_that_is_not_taken_is_said(visit, scene, why):  # noqa: F811
    visitor = await visit("2.7", **CLEAN, **scene)
    await visitor.until_state("joined")
    with pytest.raises(ChatRefusedError, match=why):
        await meeting_page.send_chat(visitor.page, "Bonjour à tous")
    assert not visitor.client.heard("text")
    assert await meeting_page.show_chat(visitor.page, shown=None) is False
    if "chat" in scene:
        return
    await meeting_page.send_chat(visitor.page, "short")
    await visitor.until_said("text", "short")


# --- What the page is made of ---


@pytest.mark.parametrize("era", ERAS)
async def test_report_names_the_version_and_what_is_there(visit, era):  # noqa: F811
    visitor = await visit(era, **CLEAN)
    await visitor.until_state("joined")
    report = await meeting_page.report(visitor.page)
    assert (report.version, report.missing) == (VERSIONS[era], [])
    await visitor.page.evaluate("document.getElementById('remote-media').remove()")
    assert (await meeting_page.report(visitor.page)).missing == ["the element that plays its sound"]


async def test_a_page_can_t_put_an_answer_in_our_place(visit):  # noqa: F811
    visitor = await visit("3.0", screen="loading")
    await visitor.page.evaluate(
        "window.amphiMeetingPage = { observe: () => ({ state: 'joined', kind: 'plain' }) }"
    )
    assert (await visitor.look()).state == "joining"


# --- What the page shows of its own life ---

FILM = """() => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 36 });
  const film = Object.assign(document.createElement("video"), { muted: true, autoplay: true });
  film.style = "position: fixed; inset: 0; width: 640px; height: 360px";
  const draw = () => { canvas.getContext("2d").fillRect(Math.random() * 64, 0, 9, 9); film.drawn = setTimeout(draw, 50); };
  draw();
  film.srcObject = canvas.captureStream(20);
  document.body.append(film);
  window.film = film;
}"""
DIALOG = """(style) => {
  const dialog = Object.assign(document.createElement("div"), { textContent: "Leave?" });
  dialog.setAttribute("role", "dialog");
  dialog.style = "position: fixed; inset: 20%; " + style;
  document.body.append(dialog);
}"""


async def test_signs_of_life_and_of_what_lies_over_the_picture(visit):  # noqa: F811
    visitor = await visit("3.0", **CLEAN)
    still = await visitor.until_state("joined")
    assert (still.moves, still.speaks, still.covered) == (False, False, "")
    await visitor.page.evaluate(FILM)
    await visitor.until(lambda seen: seen.moves)
    await visitor.page.evaluate("clearTimeout(film.drawn); film.pause()")
    await visitor.until(lambda seen: not seen.moves)
    speaker = (
        "document.body.insertAdjacentHTML('beforeend', '<button id=who data-test=isTalking>Ada</button>')"
    )
    await visitor.page.evaluate(speaker)
    await visitor.until(lambda seen: seen.speaks)
    await visitor.page.evaluate("document.getElementById('who').dataset.test = 'wasTalking'")
    await visitor.until(lambda seen: not seen.speaks)
    # One that is not seen, and one that is small, cover nothing.
    await visitor.page.evaluate(DIALOG, "visibility: hidden")
    await visitor.page.evaluate(DIALOG, "width: 90px; height: 90px")
    assert (await visitor.look()).covered == ""
    await visitor.page.evaluate(DIALOG, "")
    assert (await visitor.look()).covered == "Leave?"


# --- Slides and cameras ---

BOTH, SLIDES, CAMERAS = Layout


@pytest.mark.parametrize("era", ["2.7", "3.0", "4.0"])
async def test_picture_has_the_layout_that_is_wanted(visit, era):  # noqa: F811
    visitor = await visit(era, cameras=2, **CLEAN)
    await visitor.until_state("joined", reason="")
    drawn = {BOTH: [True, True], SLIDES: [True, False], CAMERAS: [False, True]}
    for layout in (SLIDES, CAMERAS, SLIDES, BOTH, CAMERAS, BOTH):
        assert await meeting_page.show_layout(visitor.page, layout) is layout
        assert [await visitor.is_filmed(name) for name in (".slides", "#cameraDock")] == drawn[layout], layout
        assert await visitor.page.evaluate("layout.state.input.cameraDock.numCameras") in {2, -1}
    # With the chat as well as without it.
    assert await meeting_page.show_chat(visitor.page, shown=True) is True
    assert await meeting_page.show_layout(visitor.page, CAMERAS) is CAMERAS
    assert await meeting_page.show_chat(visitor.page, shown=None) is True


@pytest.mark.parametrize("era", ["2.7", "4.0"])
async def test_layout_is_kept_whatever_the_client_does(visit, era):  # noqa: F811
    """Cameras come and go, and a screen that is shared opens the place of slides."""
    visitor = await visit(era, cameras=0, **CLEAN)
    await visitor.until_state("joined", reason="")
    # Nothing is taken away that is all there is to see.
    assert await meeting_page.show_layout(visitor.page, CAMERAS) is BOTH
    visitor.layout = CAMERAS
    await visitor.show(cameras=1)
    await visitor.until(lambda seen: seen.layout is CAMERAS)
    await visitor.show(sharing=True)
    assert await visitor.is_filmed(".slides")
    await visitor.until(lambda seen: seen.layout is CAMERAS)
    await visitor.show(cameras=0)
    await visitor.until(lambda seen: seen.layout is BOTH)
    assert await visitor.is_filmed(".slides")
    visitor.layout = SLIDES
    await visitor.until(lambda seen: seen.layout is SLIDES)
    await visitor.show(cameras=3)
    await visitor.until(lambda seen: seen.layout is SLIDES)
    assert not await visitor.is_filmed("#cameraDock")
    visitor.layout = BOTH
    await visitor.until(lambda seen: seen.layout is BOTH)
    assert await visitor.page.evaluate("layout.state.input.cameraDock.numCameras") == 3


async def test_cameras_stay_where_there_are_no_slides(visit):  # noqa: F811
    visitor = await visit("3.0", cameras=1, noSlides=True, **CLEAN)
    await visitor.until_state("joined", reason="")
    assert await meeting_page.show_layout(visitor.page, SLIDES) is BOTH
    assert await visitor.is_filmed("#cameraDock")


async def test_client_whose_layout_is_not_known_keeps_it(visit):  # noqa: F811
    visitor = await visit("3.0", cameras=1, **CLEAN)
    await visitor.until_state("joined", reason="")
    await visitor.page.evaluate("delete ACTIONS.setNumCameras")
    assert await meeting_page.show_layout(visitor.page, BOTH) is None
    assert await meeting_page.show_layout(visitor.page, SLIDES) is None
    assert await visitor.is_filmed("#cameraDock")
    assert (await visitor.look()).state == "joined"
