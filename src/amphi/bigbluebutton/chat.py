"""Converts texts for BigBlueButton's chat, and messages from it."""

import html
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator

from amphi.bigbluebutton.webhooks import ChatMessage

LONGEST_HTML = 50_000
"""The longest HTML of one message, in characters. BigBlueButton allows 5,000, and each may be written as an entity."""
_BREAKING_TAGS = {"br", "p", "div", "li", "ul", "ol", "pre", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6"}
_SILENT_TAGS = {"script", "style", "template"}
# No part matches beyond the next "<" or backtracks, so the time depends on the length of the text alone.
_TAG = re.compile(r"""<(?:(/?+)([A-Za-z][A-Za-z0-9]*+)(?:[^<>"']|"[^"<]*+"|'[^'<]*+')*+|![^<>]*+)>""")
# Addresses are not escaped, so that they remain links.
_MARKDOWN = re.compile(r"https?://[^\s<>\[\]*`\\]+|[\\`*_~\[\]<>|#]|&(?=#?[A-Za-z0-9]{1,32};)")
_MARKDOWN_AT_START = re.compile(r"^(?:(\d{1,9})([.)])|()([-+=]))")
_ZERO_WIDTH_JOINER = "\u200d"


def _units(text: str) -> int:
    return len(text) + sum(1 for character in text if ord(character) > 0xFFFF)  # noqa: PLR2004 -- outside the first plane


def markdown_units(text: str) -> int:
    """An upper bound for the UTF-16 units that `as_markdown` makes of a text."""
    marked = sum(1 for character in text if character in "\\`*_~[]<>|#&\n")
    return _units(text) + marked


def split_message(text: str, limit: int = 500, *, units: Callable[[str], int] = _units) -> list[str]:
    """Cut a text into messages, in order, between words where that is possible.

    Args:
        text: of any length; only spaces at a cut are lost.
        limit: the most UTF-16 units in a message, as BigBlueButton's server counts.
        units: how many units a piece of text has after conversion.
    """
    pieces = []
    rest = text.strip()
    while units(rest) > limit:
        cut = _cut(rest, limit, units)
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*pieces, rest] if rest else pieces


def _cut(text: str, limit: int, units: Callable[[str], int]) -> int:
    """The index of the character at which to cut a text that is longer than `limit`."""
    end = taken = 0
    for character in text:
        taken += units(character)
        if taken > limit:
            break
        end += 1
    for index in range(end, 0, -1):
        if text[index].isspace():
            return index
    return _between_graphemes(text, end)


def _between_graphemes(text: str, end: int) -> int:
    """Move a cut inside a long word back, so that it does not split an accented letter or a composed emoji."""
    for index in range(end, 0, -1):
        extends = unicodedata.category(text[index]).startswith("M") or text[index] == _ZERO_WIDTH_JOINER
        if not extends and text[index - 1] != _ZERO_WIDTH_JOINER:
            return index
    return end


def as_markdown(text: str) -> str:
    """A text for `Server.send_chat_message`, escaped so that it is shown literally.

    BigBlueButton 3.0 renders its chat as Markdown (https://github.com/bigbluebutton/bigbluebutton/issues/18594), which would change
    a listener's ``*`` or ``[here](https://…)``.
    """
    return "\n".join(_escaped_line(line) for line in text.split("\n"))


def _escaped_line(line: str) -> str:
    """Escape one line, and its indentation: four spaces would make it code."""
    escaped = _MARKDOWN.sub(
        lambda found: found[0] if found[0].startswith("http") else f"\\{found[0]}", line.lstrip()
    )
    return _MARKDOWN_AT_START.sub(lambda found: f"{found[1] or ''}\\{found[2] or found[4]}", escaped)


def strip_html(text: str) -> str:
    """The plain text of a chat message from BigBlueButton: without tags, entities decoded.

    The result is text, not HTML: it may contain ``<`` and must be escaped for display. Input beyond `LONGEST_HTML` is cut.
    """
    shown = html.unescape("".join(_without_tags(text[:LONGEST_HTML])))
    lines = (re.sub(r"[^\S\n]+", " ", line).strip() for line in shown.split("\n"))
    return "\n".join(_without_empty_runs(lines)).strip()


def _without_tags(text: str) -> Iterator[str]:
    """The text between the tags, and a line break for each tag that starts a new line."""
    at = 0
    while found := _TAG.search(text, at):
        yield text[at : found.start()]
        at = found.end()
        name, is_end = (found[2] or "").lower(), bool(found[1])
        if name in _SILENT_TAGS and not is_end:
            end = text.lower().find(f"</{name}", at)
            at = len(text) if end < 0 else end
        elif name in _BREAKING_TAGS and not (is_end and name == "br"):
            yield "\n"
    yield text[at:]


def _without_empty_runs(lines: Iterator[str]) -> Iterator[str]:
    before = ""
    for line in lines:
        if line or before:
            yield line
        before = line


def is_echo(
    message: ChatMessage, user_names: Collection[str] | None = None, *, bot_user_ids: Collection[str] = ()
) -> bool:
    """Whether a message from the meeting is one that we sent ourselves.

    A message sent by `Server.send_chat_message` has the sender's name in place of an internal id, and no external id. A missing
    external id alone proves nothing, since some versions leave it out for people too.

    Args:
        message: from a webhook.
        user_names: the names under which we send; None for any name.
        bot_user_ids: external ids of our bots, which type messages where the server has no call for them.
    """
    if message.sender_external_id:
        return message.sender_external_id in bot_user_ids
    if user_names is None:
        return message.sender_user_id == message.sender_name
    return message.sender_user_id in user_names
