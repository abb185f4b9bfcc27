"""Text on its way to BigBlueButton's chat and back."""

import re
import unicodedata
from collections.abc import Collection, Iterator
from html.parser import HTMLParser

from amphi.bigbluebutton.webhooks import ChatMessage

_BREAKING_TAGS = {"br", "p", "div", "li", "ul", "ol", "pre", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6"}
_SILENT_TAGS = {"script", "style", "template"}
_ZERO_WIDTH_JOINER = "\u200d"


def split_message(text: str, limit: int = 500) -> list[str]:
    """Cut a text into messages, in order, between words where that is possible.

    Args:
        text: of any length; runs of spaces at a cut are lost, nothing else is.
        limit: the most UTF-16 units a message may have, as BigBlueButton's server counts.
    """
    pieces = []
    rest = text.strip()
    while _units(rest) > limit:
        cut = _cut(rest, limit)
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*pieces, rest] if rest else pieces


def _units(text: str) -> int:
    return len(text) + sum(1 for character in text if ord(character) > 0xFFFF)  # noqa: PLR2004 -- outside the first plane


def _cut(text: str, limit: int) -> int:
    """Where to cut a text that is longer than `limit`, as an index of its characters."""
    end = units = 0
    for character in text:
        units += _units(character)
        if units > limit:
            break
        end += 1
    for index in range(end, 0, -1):
        if text[index].isspace():
            return index
    return _between_graphemes(text, end)


def _between_graphemes(text: str, end: int) -> int:
    """Move a cut inside a long word back, so that no accent or composed emoji is torn apart."""
    for index in range(end, 0, -1):
        extends = unicodedata.category(text[index]).startswith("M") or text[index] == _ZERO_WIDTH_JOINER
        if not extends and text[index - 1] != _ZERO_WIDTH_JOINER:
            return index
    return end


class _TextOfHtml(HTMLParser):
    """Keeps what a reader of the page would read."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 -- the parser's
        if tag in _SILENT_TAGS:
            self._silent += 1
        elif tag in _BREAKING_TAGS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT_TAGS:
            self._silent = max(0, self._silent - 1)
        elif tag in _BREAKING_TAGS and tag != "br":
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.pieces.append(data)


def strip_html(text: str) -> str:
    """The plain text of a chat message as BigBlueButton sends it: tags left out, entities decoded.

    The result is text, not HTML: it may hold ``<`` and must be escaped where it is shown.
    """
    parser = _TextOfHtml()
    parser.feed(text)
    parser.close()
    lines = (re.sub(r"[^\S\n]+", " ", line).strip() for line in "".join(parser.pieces).split("\n"))
    return "\n".join(_without_empty_runs(lines)).strip()


def _without_empty_runs(lines: Iterator[str]) -> Iterator[str]:
    before = ""
    for line in lines:
        if line or before:
            yield line
        before = line


def is_echo(
    message: ChatMessage, user_names: Collection[str] | None = None, *, bot_user_ids: Collection[str] = ()
) -> bool:
    """Whether a message from the meeting is one of ours that comes back.

    A message of `Server.send_chat_message` has the name where a person has an internal id, and no external id. Some versions leave
    out a person's external id too, so that alone tells nothing.

    Args:
        message: from a webhook.
        user_names: the names under which we spoke; any name when none are given.
        bot_user_ids: external ids of our bots, that type into the page where the server has no such call.
    """
    if message.sender_external_id:
        return message.sender_external_id in bot_user_ids
    if user_names is None:
        return message.sender_user_id == message.sender_name
    return message.sender_user_id in user_names
