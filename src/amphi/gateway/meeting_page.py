"""What a page in the browser says of its meeting, for each kind of page that the gateway knows.

The adapters are scripts in the page (`static/meeting_page.js` and its neighbours). They click nothing that they can avoid: they look at
the page and say what they see, or nothing when the page is not of their kind.
"""

from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Protocol

from amphi.gateway.chat import one_line
from amphi.gateway.exceptions import ChatRefusedError
from amphi.gateway.job_state import Trigger

_SCRIPTS = (
    "page_elements.js",
    "bigbluebutton_words.js",
    "bigbluebutton_connection.js",
    "bigbluebutton_dialogs.js",
    "bigbluebutton_sound.js",
    "bigbluebutton_layout.js",
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
    """The one thing that an adapter asks of a browser's page."""

    async def evaluate(self, expression: str, arg: Any = None) -> Any: ...


@dataclass(frozen=True)
class Observation:
    """What a page says.

    Attributes:
        state: ``joining``; ``joined``; ``reconnecting``: in the meeting, with the connection lost; ``failing``: the client shows an error
            that another try may mend; ``ended``; ``removed``; ``refused``; ``barred``: by the gateway, not the meeting.
        reason: a code of the API that says more than the state; empty when none does.
        detail: one sentence, for the log.
        kind: of page: classroom, bigbluebutton, joinForm, apiError, plain; empty when it is none that we know.
    """

    state: str = "joining"
    reason: str = ""
    detail: str = ""
    kind: str = ""

    @property
    def trigger(self) -> Trigger | None:
        """What it means for the job; None while it means nothing yet."""
        return _TRIGGERS.get(self.state)

    @property
    def is_there(self) -> bool:
        """The meeting is on screen."""
        return self.state in {"joined", "reconnecting"}

    @property
    def is_over(self) -> bool:
        return self.state in _OVER


def script() -> str:
    """What runs in every page of a job before the page's own scripts; its names are its own."""
    static = resources.files("amphi.gateway") / "static"
    parts = "\n".join((static / name).read_text("utf-8") for name in _SCRIPTS)
    return f'(() => {{\n"use strict";\nif (window.top !== window) return;\n{parts}\n}})();'


@dataclass(frozen=True)
class Report:
    """What the client of a meeting is, and which of the names that its adapter rests on are in its page.

    Attributes:
        version: the server's, such as ``3.0.14``; empty when it does not say.
        found: each name, in words, and whether it is there.
    """

    version: str = ""
    found: dict[str, bool] = field(default_factory=dict)

    @property
    def missing(self) -> list[str]:
        return [name for name, is_there in self.found.items() if not is_there]


async def observe(page: Page, *, any_page: bool, classroom: bool, name: str) -> Observation:
    """Look at the page once, and do the next small step that its kind needs (a name to fill in, a button to press).

    Args:
        page: the browser's.
        any_page: a page of no known kind counts as a meeting once it is loaded and its network is quiet.
        classroom: a page that says of itself what `amphi classroom` says is believed.
        name: what the bot calls itself where a page asks.
    """
    options = {"anyPage": any_page, "classroom": classroom, "name": name}
    seen = await page.evaluate("(options) => window.amphiMeetingPage?.observe(options)", options)
    return _observation(seen)


def _observation(seen: Any) -> Observation:
    """What a page said, as far as it makes sense: pages are not ours, and some may be hostile."""
    if not isinstance(seen, dict):
        return Observation()
    state, reason, kind = (_known(seen.get(name)) for name in ("state", "reason", "kind"))
    if state not in _STATES or kind not in _KINDS:
        return Observation()
    return Observation(state, reason if reason in _REASONS else "", _words(seen.get("detail")), kind)


def _known(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _words(value: Any) -> str:
    """Words of a page, on their way to a log."""
    return one_line(_known(value)[: 4 * _MAX_DETAIL_CHARACTERS])[:_MAX_DETAIL_CHARACTERS]


async def report(page: Page) -> Report:
    """What the client in the page is, as far as it can be told."""
    said = await page.evaluate("() => window.amphiMeetingPage?.report()")
    if not isinstance(said, dict):
        return Report()
    found = said.get("found")
    names = list(found.items())[:_MAX_NAMES] if isinstance(found, dict) else []
    return Report(
        _words(said.get("version"))[:40], {_words(name): is_there is True for name, is_there in names}
    )


async def show_chat(page: Page, *, shown: bool | None) -> bool:
    """Show or hide the meeting's chat in the picture, None leaves it; returns whether it is shown now."""
    return bool(await page.evaluate("(shown) => window.amphiMeetingPage.showChat(shown)", shown))


async def is_writing_seen(page: Page) -> bool:
    """Whether writing a message shows a chat that is hidden otherwise."""
    return bool(await page.evaluate("() => window.amphiMeetingPage.isWritingSeen()"))


async def send_chat(page: Page, text: str) -> None:
    """Write a message into the meeting's public chat.

    Raises:
        ChatRefusedError: the page did not take it.
    """
    refusal = await page.evaluate("(text) => window.amphiMeetingPage.sendChat(text)", text)
    if refusal:
        raise ChatRefusedError(_words(refusal) or "the meeting’s page took no message")
