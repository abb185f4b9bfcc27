"""Tickets: one spelling each, of one key, for a time."""

import base64
import string

import pytest

from amphi.system.tickets import InvalidTicketError, Ticket, in_path, mint, verify

KEY = b"a key of the tests"
NOW = 1_000_000.0
GOOD = Ticket(7, "room", "u1", int(NOW) + 60, "mark")


def test_ticket_says_what_was_signed():
    assert verify(KEY, mint(KEY, GOOD), now=NOW) == GOOD


@pytest.mark.parametrize("part", [0, 1])
def test_other_spelling_of_the_same_bytes_is_refused(part):
    parts = mint(KEY, GOOD).split(".")
    raw = base64.urlsafe_b64decode(parts[part] + "==")
    spellings = {
        parts[part][:-1] + last
        for last in string.ascii_letters + string.digits + "-_"
        if last != parts[part][-1]
    } | {parts[part] + padding for padding in ("=", "==", "\n", " ")}
    same = {one for one in spellings if base64.urlsafe_b64decode(one.strip().rstrip("=") + "==") == raw}
    assert same
    for spelling in spellings:
        changed = [spelling if number == part else kept for number, kept in enumerate(parts)]
        with pytest.raises(InvalidTicketError):
            verify(KEY, ".".join(changed), now=NOW)


@pytest.mark.parametrize(
    "text", ["", ".", "a.b", "é.é", "a", "..", "a.b.c", mint(b"other", GOOD), mint(KEY, GOOD) + "."]
)
def test_nonsense_is_refused(text):
    with pytest.raises(InvalidTicketError):
        verify(KEY, text, now=NOW)


def test_expired_ticket_is_refused():
    with pytest.raises(InvalidTicketError, match="expired"):
        verify(KEY, mint(KEY, GOOD), now=NOW + 60)


def test_ticket_stands_in_the_path():
    assert in_path("https://h/hls/n.m3u8?a=1", "T") == "https://h/t/T/hls/n.m3u8?a=1"
