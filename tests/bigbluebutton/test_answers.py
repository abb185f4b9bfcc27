"""Answers as BigBlueButton writes them when people's names and its own language get into its XML."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amphi.bigbluebutton import ForbiddenXmlError, MalformedXmlError, Server, ServerFailedError
from amphi.bigbluebutton.legal_xml import legal
from tests.bigbluebutton.replies import SECRET, failed, success, xml
from tests.wire import answer


def info_of(serve, fields):
    wire = serve(lambda _: success(fields) if isinstance(fields, str) else fields)
    return Server(wire.url, SECRET).meeting_info("m")


def attendee(name):
    return f"<attendees><attendee><userID>u</userID><fullName>{name}</fullName></attendee></attendees>"


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Zo\u0008é", "Zoé"),
        ("Zo&#8;é", "Zoé"),
        ("Zo&#x8;é", "Zoé"),
        ("Zo&#X1B;é", "Zoé"),
        ("Zo\x00é", "Zoé"),
        ("Zo\x0bé", "Zoé"),
        ("Zo\ufffeé", "Zoé"),
        ("Zo&#65535;é", "Zoé"),
        ("Zo&#1114112;é", "Zoé"),
        ("Zo&#8;&eacute;", "Zoé"),
        ("Zoé\x1f &amp; Max", "Zoé & Max"),
        ("Zoé & Max", "Zoé & Max"),
        ("Zoé &amp; Max &lt;b&gt; & co", "Zoé & Max <b> & co"),
        ("a &nosuchname; b\x08", "a &nosuchname; b"),
        ("&#38;lt;\x08", "&lt;"),
        ("x &#55357;&#56832; y", "x 😀 y"),
        ("x &#55357; y", "x  y"),
        ("<![CDATA[R&D \x08 &#8; <b>]]>", "R&D  &#8; <b>"),
        ("😀\x08", "😀"),
        ("\x7f\x85\x08", "\x7f\x85"),
    ],
)
def test_a_name_that_xml_forbids_costs_no_answer(serve, written, name):
    info = info_of(serve, attendee(written) + "<participantCount>3</participantCount>")
    assert info.attendees[0].full_name == name.strip()
    assert info.participant_count == 3


def test_bytes_that_are_no_utf_8_cost_no_answer(serve):
    body = f"<response><returncode>SUCCESS</returncode>{attendee('Zo?')}</response>".encode()
    assert info_of(serve, answer(body.replace(b"Zo?", b"Zo\xe9"))).attendees[0].full_name == "Zo\ufffd"


def test_a_declared_encoding_is_kept_when_the_answer_is_mended(serve):
    head = '<?xml version="1.0" encoding="ISO-8859-1"?><response><returncode>SUCCESS</returncode>'
    body = f"{head}{attendee('Zoé' + chr(8))}</response>".encode("latin-1")
    assert info_of(serve, answer(body)).attendees[0].full_name == "Zoé"


def test_a_custom_field_whose_name_begins_with_a_digit_costs_no_answer(serve):
    fields = "<metadata><a>1</a><2fa><![CDATA[<2]]></2fa></metadata>"
    assert info_of(serve, fields).metadata == {"a": "1", "_2fa": "<2"}


def test_a_document_type_stays_forbidden_beside_a_control_character(serve):
    with pytest.raises(ForbiddenXmlError):
        info_of(serve, answer(f'<!DOCTYPE r [<!ENTITY a "b">]><response>{chr(8)}&a;</response>'))


def test_sections_that_never_end_are_read_once():
    body = b"<a>" + b"<![CDATA[" * 110_000 + b"\x01"
    began = time.process_time()
    assert legal(body) == body[:-1].decode()
    assert time.process_time() - began < 10, (
        "read for each of its beginnings, it takes minutes of this process's own time"
    )


def test_half_an_answer_is_not_mended(serve):
    with pytest.raises(MalformedXmlError):
        info_of(serve, answer(f"<response><returncode>SUCCESS</returncode><a>{chr(8)}"))


@given(st.binary(max_size=300))
def test_legal_takes_any_bytes(body):
    assert isinstance(legal(body), str)


@given(st.text(alphabet=st.sampled_from("<>&;#x![]CDATA0189\x08é"), max_size=60))
def test_what_is_legal_stays_legal(text):
    assert legal(legal(text.encode()).encode()) == legal(text.encode())


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("1000", 1000),
        ("1,000", 1000),
        ("1 000", 1000),
        ("1\u00a0000", 1000),
        ("1\u202f000", 1000),
        ("1.000", 1000),
        ("1’000", 1000),
        ("1,440", 1440),
        ("12,34,567", 1234567),
        ("1,234,567", 1234567),
        (" 12 ", 12),
        ("+5", 5),
        ("12.0", 12),
        ("12,5", 12),
        ("2.5E2", 250),
        ("١٢", 12),
        ("-1", 0),
        ("\u22121", 0),
        ("99999999999999", 2**31 - 1),
        ("", 0),
        ("many", 0),
        ("NaN", 0),
        ("Infinity", 0),
        ("1e400", 0),
        ("²", 0),
        ("9" * 5000, 0),
    ],
)
def test_numbers_as_every_language_writes_them(serve, written, number):
    info = info_of(serve, f"<maxUsers>{written}</maxUsers><participantCount>{written}</participantCount>")
    assert (info.max_users, info.participant_count) == (number, number)


@pytest.mark.parametrize(
    "written", ["1531241258036", "1,531,241,258,036", "1\u202f531\u202f241\u202f258\u202f036"]
)
def test_times_as_every_language_writes_them(serve, written):
    assert info_of(serve, f"<createTime>{written}</createTime>").create_time_ms == 1531241258036


@pytest.mark.parametrize("key", ["internalError", "serverUnavailable"])
def test_a_failure_of_the_pool_may_pass(serve, key):
    wire = serve(lambda _: failed(key, "Unable to create meeting on server."))
    with pytest.raises(ServerFailedError) as caught:
        Server(wire.url, SECRET).create("m-1", "Été")
    assert not caught.value.permanent


def test_numbers_of_every_meeting(serve):
    fields = "<meetingID>m</meetingID><maxUsers>1,000</maxUsers><duration>1,440</duration>"
    wire = serve(
        lambda _: xml(f"<returncode>SUCCESS</returncode><meetings><meeting>{fields}</meeting></meetings>")
    )
    [one] = Server(wire.url, SECRET).meetings()
    assert (one.max_users, one.duration_minutes) == (1000, 1440)
