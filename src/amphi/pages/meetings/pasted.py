"""Finds email addresses in pasted text: from Outlook, Thunderbird, Gmail, a spreadsheet or a plain text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator

LONGEST_ADDRESS = 254
"""By RFC 5321, section 4.5.3.1.3, without the angle brackets."""
_is_address = EmailValidator()
# Bounded, so that a text full of opening quotes is still read fast.
_IN_QUOTES = re.compile(r'"[^"]{0,300}"|“[^”]{0,300}”|«[^»]{0,300}»')
_IN_PARENTHESES = re.compile(r"\([^()]{0,300}\)")
_IN_BRACKETS = re.compile(r"<([^<>]{0,300})>")
_LIST = re.compile(r"[,;]")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_AS_ASCII = str.maketrans(
    {"；": ";", "，": ",", "、": ",", "＠": "@", "‘": "'", "’": "'", "\u2028": "\n", "\u2029": "\n"}
)
_AROUND = " \t,;'\"“”«»<>()[]{}.:"


@dataclass(slots=True)
class Pasted:
    """The result of reading a pasted list.

    Attributes:
        addresses: without duplicates, in the order and spelling of their first occurrence.
        wrong: words that are neither an address nor part of a name.
    """

    addresses: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def looks_right(address: str) -> bool:
    """Whether `address` can be an email address."""
    try:
        _is_address(address)
    except ValidationError:
        return False
    return len(address) <= LONGEST_ADDRESS


def addresses_in(text: str) -> Pasted:
    """Find the addresses in a list: separated by line breaks, commas, semicolons, spaces or cells, each with or without its name.

    A name comes before its address, in any order and quotes; in a row of a spreadsheet it may be in any cell. All other words are
    reported as wrong, so that no misspelt address is silently dropped.
    """
    found = Pasted()
    seen: set[str] = set()
    for number, line in enumerate(_INVISIBLE.sub("", text).translate(_AS_ASCII).splitlines()):
        for word in _words(line, is_first=number == 0):
            if looks_right(word) and word.lower() not in seen:
                found.addresses.append(word)
            elif word.lower() not in seen:
                found.wrong.append(word)
            seen.add(word.lower())
    return found


def _words(line: str, *, is_first: bool) -> Iterator[str]:
    """The words of one line that should be addresses."""
    cells = line.split("\t")
    if len(cells) == 1:
        yield from _listed(line)
    elif "@" in line:
        for cell in cells:
            if "@" in cell:
                yield from _listed(cell)
    elif not is_first:  # the first row of a table may be its headings
        yield from (word for word in map(_bare, cells) if word)


def _listed(text: str) -> Iterator[str]:
    """The words of a list with brackets, where names may contain the commas and semicolons that separate its entries."""
    text = _IN_QUOTES.sub(_quoted, text)
    begin = 0
    for bracket in _IN_BRACKETS.finditer(text):
        # The text right before a bracket is its name; there may be complete addresses before that name.
        before = _LIST.split(text[begin : bracket.start()])
        last = max((at for at, piece in enumerate(before[:-1]) if "@" in piece), default=-1)
        yield from _plain(",".join(before[: last + 1]))
        yield _bare(bracket[1]) or bracket[0]
        begin = bracket.end()
    yield from _plain(text[begin:])


def _quoted(name: re.Match[str]) -> str:
    """Replace a quoted text: a quoted name is left out, a quoted address stays."""
    inside = name[0][1:-1].strip()
    return f" {inside} " if looks_right(inside) else " "


def _plain(text: str) -> Iterator[str]:
    """The words of a list without brackets; it may have `Name (address)`, `address (name)` and `Name address`."""
    text = _IN_PARENTHESES.sub(lambda part: f" {part[0][1:-1]} " if "@" in part[0] else " ", text)
    for piece in _LIST.split(text):
        words = [word for word in map(_bare, piece.split()) if word]
        first = next((at for at, word in enumerate(words) if "@" in word), 0)
        yield from words[first:]


def _bare(word: str) -> str:
    """`word` without the punctuation that may be around an address."""
    return re.sub(r"^mailto:", "", word.strip(_AROUND), flags=re.IGNORECASE).partition("?")[0].strip(_AROUND)
