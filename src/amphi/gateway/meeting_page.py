"""Reads the state of a meeting from the browser's page, for each kind of page that the gateway knows.

The adapters are scripts in the page (`static/meeting_page.js` and its neighbours). They mostly look at the page and report what they
see, and click only what they must. For a page of another kind an adapter reports nothing.
"""

from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Protocol

from amphi.gateway.chat import one_line
from amphi.gateway.exceptions import ChatRefusedError
from amphi.gateway.job_state import Trigger
from amphi.gateway.layouts import Layout

_SCRIPTS = (
    "page_elements.js",
    "picture_signs.js",
    "in_step.js",
    "bigbluebutton_words.js",
    "bigbluebutton_connection.js",
    "bigbluebutton_dialogs.js",
    "bigbluebutton_sound.js",
    "bigbluebutton_layout.js",
    "bigbluebutton_media.js",
    "bigbluebutton_chat.js",
    "bigbluebutton_page.js",
    "meeting_page.js",
)
_TRIGGERS = {
    "joined": Trigger.ENTERED,
    "ended": Trigger.MEETING_ENDED,
    "removed": Trigger.REMOVED,
    "refused": Trigger.JOIN_REFUSED,
    "barred": Trigger.GAVE_UP,
}
_OVER = frozenset({"ended", "removed", "barred"})
_STATES = frozenset({"joining", "joined", "reconnecting", "failing", *_TRIGGERS}) - {"barred"}
_KINDS = frozenset({"classroom", "bigbluebutton", "joinForm", "apiError", "plain"})
_REASONS = frozenset(
    {
        *("meeting_not_found", "meeting_full", "session_expired", "client_error"),
        *("waiting_for_approval", "no_sound", "disconnected"),
    }
)
_MAX_DETAIL_CHARACTERS = 300
_MAX_NAMES = 20


class Page(Protocol):
    """The only method of a browser's page that adapters need."""

    async def evaluate(self, expression: str, arg: Any = None) -> Any: ...


@dataclass(frozen=True)
class Observation:
    """What a page reports.

    Attributes:
        state: ``joining``; ``joined``; ``reconnecting``: in the meeting, with the connection lost; ``failing``: the client shows an error,
            another attempt may work; ``ended``; ``removed``; ``refused``; ``barred``: by the gateway, not the meeting.
        reason: a code of the API that says more than the state; may be empty.
        detail: one sentence for the log.
        kind: the kind of page: classroom, bigbluebutton, joinForm, apiError, plain; empty when unknown.
        moves: a camera, film or screen in it plays on.
        speaks: it says that somebody speaks.
        covered: the words of a dialog over the meeting; empty for none.
        layout: what is in the picture; None where the page can't tell, or was not asked for any.
    """

    state: str = "joining"
    reason: str = ""
    detail: str = ""
    kind: str = ""
    moves: bool = False
    speaks: bool = False
    covered: str = ""
    layout: Layout | None = None

    @property
    def trigger(self) -> Trigger | None:
        """The trigger for the job; None when the job need not change."""
        return _TRIGGERS.get(self.state)

    @property
    def is_there(self) -> bool:
        """Whether the meeting is on the screen."""
        return self.state in {"joined", "reconnecting"}

    @property
    def is_over(self) -> bool:
        return self.state in _OVER


def script() -> str:
    """The script that runs in every page of a job before the page's own scripts. It defines no global names except its own."""
    static = resources.files("amphi.gateway") / "static"
    parts = "\n".join((static / name).read_text("utf-8") for name in _SCRIPTS)
    return f'(() => {{\n"use strict";\nif (window.top !== window) return;\n{parts}\n}})();'


@dataclass(frozen=True)
class Report:
    """A meeting's client, and which names that its adapter depends on are in its page.

    Attributes:
        version: the server's version, such as ``3.0.14``; empty when unknown.
        found: for each name, described in words, whether it is there.
    """

    version: str = ""
    found: dict[str, bool] = field(default_factory=dict)

    @property
    def missing(self) -> list[str]:
        return [name for name, is_there in self.found.items() if not is_there]


async def observe(
    page: Page, *, any_page: bool, classroom: bool, name: str, layout: Layout | None = None
) -> Observation:
    """Look at the page once, and do the next step that its kind needs, such as typing a name or pressing a button.

    Args:
        page: the browser's page.
        any_page: count a page of an unknown kind as a meeting once it is loaded and its network is quiet.
        classroom: trust a page that calls itself `amphi classroom`.
        name: the bot's name, for pages that ask.
        layout: what the picture is to have, once the bot is in the meeting; None leaves it.
    """
    options = {"anyPage": any_page, "classroom": classroom, "name": name, "layout": layout}
    seen = await page.evaluate("(options) => window.amphiMeetingPage?.observe(options)", options)
    return _observation(seen)


def _observation(seen: Any) -> Observation:
    """Parse a page's report. Pages are not ours and may be hostile, so anything unexpected is dropped."""
    if not isinstance(seen, dict):
        return Observation()
    state, reason, kind = (_known(seen.get(name)) for name in ("state", "reason", "kind"))
    if state not in _STATES or kind not in _KINDS:
        return Observation()
    return Observation(
        state,
        reason if reason in _REASONS else "",
        _words(seen.get("detail")),
        kind,
        moves=seen.get("moves") is True,
        speaks=seen.get("speaks") is True,
        covered=_words(seen.get("covered")),
        layout=_layout(seen.get("layout")),
    )


def _layout(said: Any) -> Layout | None:
    return Layout(said) if said in list(Layout) else None


def _known(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _words(value: Any) -> str:
    """A text of a page, cleaned for the log."""
    return one_line(_known(value)[: 4 * _MAX_DETAIL_CHARACTERS])[:_MAX_DETAIL_CHARACTERS]


async def report(page: Page) -> Report:
    """Which client runs in the page, as far as that can be seen."""
    said = await page.evaluate("() => window.amphiMeetingPage?.report()")
    if not isinstance(said, dict):
        return Report()
    found = said.get("found")
    names = list(found.items())[:_MAX_NAMES] if isinstance(found, dict) else []
    return Report(
        _words(said.get("version"))[:40], {_words(name): is_there is True for name, is_there in names}
    )


async def show_chat(page: Page, *, shown: bool | None) -> bool:
    """Show or hide the meeting's chat in the picture; None leaves it. Returns whether it is shown now."""
    return bool(await page.evaluate("(shown) => window.amphiMeetingPage.showChat(shown)", shown))


async def show_layout(page: Page, layout: Layout) -> Layout | None:
    """Bring slides, cameras or both into the picture. Returns which it has now; None where the page can't tell."""
    return _layout(await page.evaluate("(layout) => window.amphiMeetingPage.showLayout(layout)", layout))


async def is_writing_seen(page: Page) -> bool:
    """Whether writing a message makes a hidden chat visible."""
    return bool(await page.evaluate("() => window.amphiMeetingPage.isWritingSeen()"))


async def send_chat(page: Page, text: str) -> None:
    """Write a message into the meeting's public chat.

    Raises:
        ChatRefusedError: the chat refused it.
    """
    refusal = await page.evaluate("(text) => window.amphiMeetingPage.sendChat(text)", text)
    if refusal:
        raise ChatRefusedError(_words(refusal) or "the meeting’s page took no message")
