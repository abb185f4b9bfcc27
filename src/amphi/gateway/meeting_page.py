"""What a page in the browser says of its meeting, for each kind of page that the gateway knows.

The adapters are scripts in the page (`static/meeting_page.js` and its neighbours). They click nothing that they can avoid: they look at
the page and say what they see, or nothing when the page is not of their kind.
"""

from dataclasses import dataclass
from importlib import resources
from typing import Any, Protocol

from amphi.gateway.chat import one_line
from amphi.gateway.exceptions import ChatRefusedError
from amphi.gateway.job_state import Event

_SCRIPTS = ("page_elements.js", "bigbluebutton_chat.js", "bigbluebutton_page.js", "meeting_page.js")
_EVENTS = {
    "joined": Event.ENTERED,
    "ended": Event.MEETING_ENDED,
    "removed": Event.REMOVED,
    "refused": Event.JOIN_REFUSED,
}
_OVER = frozenset({"ended", "removed"})


class Page(Protocol):
    """The one thing that an adapter asks of a browser's page."""

    async def evaluate(self, expression: str, arg: Any = None) -> Any: ...


@dataclass(frozen=True)
class Observation:
    """What a page says.

    Attributes:
        state: ``joining``; ``joined``; ``reconnecting``: in the meeting, with the connection lost; ``ended``; ``removed``; ``refused``.
        reason: a code of the API that says more than the state; empty when none does.
        detail: one sentence, for the log.
        kind: of page: classroom, bigbluebutton, joinForm, apiError, plain; empty when it is none that we know.
    """

    state: str = "joining"
    reason: str = ""
    detail: str = ""
    kind: str = ""

    @property
    def event(self) -> Event | None:
        """What it means for the job; None while it means nothing yet."""
        return _EVENTS.get(self.state)

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


async def observe(page: Page, *, any_page: bool, name: str) -> Observation:
    """Look at the page once, and do the next small step that its kind needs (a name to fill in, a button to press).

    Args:
        page: the browser's.
        any_page: a page of no known kind counts as a meeting once it is loaded and its network is quiet.
        name: what the bot calls itself where a page asks.
    """
    seen = await page.evaluate(
        "(options) => window.amphiMeetingPage?.observe(options)", {"anyPage": any_page, "name": name}
    )
    if not isinstance(seen, dict):
        return Observation()
    detail = one_line(str(seen.get("detail") or ""))[:300]  # words of a page, on their way to a log
    return Observation(str(seen["state"]), str(seen.get("reason") or ""), detail, str(seen["kind"]))


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
        raise ChatRefusedError(one_line(str(refusal))[:300])
