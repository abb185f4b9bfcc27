"""What a page in the browser says of its meeting, for each kind of page that the gateway knows.

An adapter holds no state and clicks nothing that it can avoid: it looks at the page and says what it sees, or nothing when the
page is not of its kind.
"""

from dataclasses import dataclass
from importlib import resources
from typing import Any, Protocol

from amphi.gateway.job_state import Event

_OBSERVATIONS = {
    "joined": Event.ENTERED,
    "ended": Event.MEETING_ENDED,
    "refused": Event.JOIN_REFUSED,
}


class Page(Protocol):
    """The one thing that an adapter asks of a browser's page."""

    async def evaluate(self, expression: str, arg: Any = None) -> Any: ...


@dataclass(frozen=True)
class Observation:
    """What a page says.

    Attributes:
        kind: of page: classroom, bigbluebutton, join_form, plain; empty when it is none that we know.
        event: what it says of the meeting; None while it says nothing yet.
        detail: one sentence, for the log.
    """

    kind: str
    event: Event | None
    detail: str = ""


def script() -> str:
    """What runs in every page of a job before the page's own scripts."""
    return (resources.files("amphi.gateway") / "static" / "meeting_page.js").read_text("utf-8")


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
        return Observation("", None)
    return Observation(str(seen["kind"]), _OBSERVATIONS.get(seen["state"]), str(seen.get("detail", ""))[:300])


async def show_chat(page: Page, *, shown: bool | None) -> bool:
    """Show or hide the meeting's chat in the picture, None leaves it; returns whether it is shown now."""
    return bool(await page.evaluate("(shown) => window.amphiMeetingPage.showChat(shown)", shown))


async def send_chat(page: Page, text: str) -> bool:
    """Write a message into the meeting's public chat; returns whether the page took it."""
    return bool(await page.evaluate("(text) => window.amphiMeetingPage.sendChat(text)", text))
