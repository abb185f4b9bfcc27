import base64
import hashlib
import hmac
import json
from urllib.parse import urlencode

import pytest

from amphi.bigbluebutton import InvalidSignatureError, MalformedDeliveryError, StaleDeliveryError, webhooks
from amphi.bigbluebutton.webhooks import (
    ChatMessage,
    HandRaised,
    MeetingEnded,
    PollResponded,
    PollStarted,
    PresentationChanged,
    RecordingReady,
    TranscriptUpdated,
    Unknown,
    UserJoined,
    UserLeft,
)

SECRET = "639259d4-9dd8-4b25-bf01-95f9567eaf4b"
URL = "https://amphi.example.org/bbb/hooks/7f3a?n=1"
BODY = (
    b"domain=bbb.example.org&event=%5B%7B%22data%22%3A%7B%22type%22%3A%22event%22%2C%22id%22%3A%22meeting-ended%22%2C%22attributes"
    b"%22%3A%7B%22meeting%22%3A%7B%22internal-meeting-id%22%3A%22ab-17%22%2C%22external-meeting-id%22%3A%22m-1%22%7D%7D%2C%22event"
    b"%22%3A%7B%22ts%22%3A1698771232706%7D%7D%7D%5D&timestamp=1698771232800"
)
# Made with coreutils, as in: printf %s "$URL$BODY$SECRET" | sha1sum
VECTORS = {
    "sha1": "ee51cd1a5cd0d46a4cc5b9ce107b39a6e6591283",
    "sha256": "f3ff40689a43324ff1f94d1afc979fe79d9986522cb728e7facaaf2d79345ee8",
    "sha384": "eb17c74402f5ab13b8896c446f15a8aa6cf4d42714a9b5f57a6c6dfb2eed0e3119ee4550e9d140f929850a0bd747c179",
    "sha512": "b5430901ebec73f520f155fdfaa2e9dc51ce9c7ff8893b7f2badef5b9a6218732e18a59e5cf74f63e3da153932eabbc476069c34d09042f9c9a9214010694b36",
}


def body_of(*events, timestamp=1698771232800):
    return urlencode({"domain": "b", "event": json.dumps(events), "timestamp": timestamp}).encode()


def envelope(kind, attributes=None, meeting_id="m-1", ts=1698771232706):
    meeting = {"internal-meeting-id": "ab-17", "external-meeting-id": meeting_id}
    data = {
        "type": "event",
        "id": kind,
        "attributes": {"meeting": meeting, **(attributes or {})},
        "event": {"ts": ts},
    }
    return {"data": data}


COMMON = {"meeting_id": "m-1", "internal_meeting_id": "ab-17", "sent_at_ms": 1698771232706}
MEETING = {"internal-meeting-id": "ab-17", "external-meeting-id": "m-1"}
USER = {
    "internal-user-id": "w_1",
    "external-user-id": "u7",
    "name": "Ada",
    "role": "VIEWER",
    "presenter": "false",
}


@pytest.mark.parametrize("algorithm", VECTORS)
def test_verify_vector(algorithm):
    webhooks.verify(URL, BODY, VECTORS[algorithm], SECRET)
    webhooks.verify(URL, BODY, VECTORS[algorithm].upper(), SECRET, allowed={algorithm})


@pytest.mark.parametrize("algorithm", VECTORS)
@pytest.mark.parametrize(
    ("url", "body", "secret"),
    [
        pytest.param(URL, BODY.replace(b"meeting-ended", b"meeting-endef"), SECRET, id="body"),
        pytest.param(URL, BODY + b"&timestamp=9", SECRET, id="added"),
        pytest.param(URL, BODY[:-1], SECRET, id="cut"),
        pytest.param(URL, b"", SECRET, id="empty"),
        pytest.param(URL + "&x=1", BODY, SECRET, id="address"),
        pytest.param(URL, BODY, SECRET + "f", id="secret"),
    ],
)
def test_verify_refuses_what_was_tampered_with(algorithm, url, body, secret):
    with pytest.raises(InvalidSignatureError):
        webhooks.verify(url, body, VECTORS[algorithm], secret)


@pytest.mark.parametrize("checksum", ["", "0" * 40, "0" * 64, "0" * 32, "é" * 40, "x" * 100_000])
def test_verify_refuses_what_is_not_signed(checksum):
    with pytest.raises(InvalidSignatureError):
        webhooks.verify(URL, BODY, checksum, SECRET)


def test_verify_refuses_an_algorithm_that_is_not_allowed():
    with pytest.raises(InvalidSignatureError, match="allowed"):
        webhooks.verify(URL, BODY, VECTORS["sha1"], SECRET, allowed={"sha256"})


def test_verify_refuses_everything_without_a_secret():
    signature = hashlib.sha256(URL.encode() + BODY).hexdigest()
    for checksum, authorization in [(signature, ""), ("", "Bearer ")]:
        with pytest.raises(InvalidSignatureError):
            webhooks.verify(URL, BODY, checksum, "", authorization=authorization)


def test_verify_bearer():
    webhooks.verify(URL, BODY, "", SECRET, authorization=f"Bearer {SECRET}")
    for authorization in ["Bearer nonsense", "Bearer ", "Bearer é", f"Basic {SECRET}", SECRET]:
        with pytest.raises(InvalidSignatureError):
            webhooks.verify(URL, BODY, "", SECRET, authorization=authorization)


def test_verify_a_wrong_checksum_is_not_saved_by_a_bearer():
    with pytest.raises(InvalidSignatureError):
        webhooks.verify(URL, BODY, "0" * 40, SECRET, authorization=f"Bearer {SECRET}")


def test_verify_what_servers_before_3_0_sign():
    event = json.dumps(
        [envelope("user-joined", {"user": USER | {"name": 'Zoé "d’Été"'}})], ensure_ascii=False
    )
    body = urlencode({"event": event, "timestamp": 1698771232800, "domain": "bbb.example.org"}).encode()
    signed = json.dumps(
        {"event": event, "timestamp": 1698771232800, "domain": "bbb.example.org"},
        separators=(",", ":"),
        ensure_ascii=False,
    )
    checksum = hashlib.sha1(f"{URL}{signed}{SECRET}".encode(), usedforsecurity=False).hexdigest()
    webhooks.verify(URL, body, checksum, SECRET)
    with pytest.raises(InvalidSignatureError):
        webhooks.verify(URL, body.replace(b"user-joined", b"user-left"), checksum, SECRET)


@pytest.mark.parametrize(
    ("age_s", "fresh"), [(0, True), (600, True), (901, False), (-200, True), (-301, False)]
)
def test_check_age(age_s, fresh):
    now_ms = 1698771232800 + age_s * 1000
    if fresh:
        webhooks.check_age(BODY, now_ms=now_ms)
    else:
        with pytest.raises(StaleDeliveryError):
            webhooks.check_age(BODY, now_ms=now_ms)


@pytest.mark.parametrize("stamp", ["", "soon", "-1", "1e9", "9" * 5000, "²"])
def test_check_age_without_a_timestamp(stamp):
    with pytest.raises(StaleDeliveryError, match="no timestamp"):
        webhooks.check_age(body_of(timestamp=stamp), now_ms=0)


@pytest.mark.parametrize(
    ("sent", "event"),
    [
        (envelope("meeting-ended"), MeetingEnded(**COMMON)),
        (
            envelope("user-joined", {"user": USER}),
            UserJoined(user_id="w_1", external_user_id="u7", name="Ada", role="VIEWER", **COMMON),
        ),
        (
            envelope("meeting-presentation-changed", {"meeting": MEETING | {"presentation-id": "p1"}}),
            PresentationChanged(presentation_id="p1", **COMMON),
        ),
        (
            envelope("user-left", {"user": {"internal-user-id": "w_1", "external-user-id": "u7"}}),
            UserLeft(user_id="w_1", external_user_id="u7", name="", **COMMON),
        ),
        (
            envelope("user-raise-hand-changed", {"user": USER | {"raise-hand": True}}),
            HandRaised(user_id="w_1", external_user_id="u7", name="Ada", raised=True, **COMMON),
        ),
        (
            envelope("user-raise-hand-changed", {"user": USER | {"raise-hand": False}}),
            HandRaised(user_id="w_1", external_user_id="u7", name="Ada", raised=False, **COMMON),
        ),
        (
            envelope("user-raise-hand-changed", {"user": USER | {"raiseHand": True}}),
            HandRaised(user_id="w_1", external_user_id="u7", name="Ada", raised=True, **COMMON),
        ),
        (
            envelope("user-emoji-changed", {"user": USER | {"emoji": "raiseHand"}}),
            HandRaised(
                user_id="w_1", external_user_id="u7", name="Ada", raised=True, is_emoji=True, **COMMON
            ),
        ),
        (
            envelope("user-emoji-changed", {"user": USER | {"emoji": "none"}}),
            HandRaised(
                user_id="w_1", external_user_id="u7", name="Ada", raised=False, is_emoji=True, **COMMON
            ),
        ),
        (
            envelope(
                "poll-started",
                {
                    "user": USER,
                    "poll": {
                        "id": "p/1",
                        "question": "Qui ?",
                        "answers": [{"id": 0, "key": "A"}, {"id": 1, "key": "B"}],
                    },
                },
            ),
            PollStarted(poll_id="p/1", question="Qui ?", answers=((0, "A"), (1, "B")), **COMMON),
        ),
        (
            envelope("poll-responded", {"user": USER, "poll": {"id": "p/1", "answerIds": [1]}}),
            PollResponded(poll_id="p/1", user_id="w_1", answer_ids=(1,), **COMMON),
        ),
        *(
            (
                envelope("transcript-updated", {"user": USER, "transcript": transcript}),
                TranscriptUpdated(
                    transcript_id="t-1", text="Bon\njour", locale="fr-FR", is_final=is_final, **COMMON
                ),
            )
            for transcript, is_final in (
                ({"id": "t-1", "transcript": "Bon\njour", "locale": "fr-FR", "final": False}, False),
                ({"id": "t-1", "transcript": "Bon\njour", "locale": "fr-FR", "final": True}, True),
                ({"id": "t-1", "transcript": "Bon\njour", "locale": "fr-FR"}, True),
            )
        ),
        *(
            (
                envelope("transcript-updated", {"transcript": transcript}),
                Unknown(kind="transcript-updated", **COMMON),
            )
            for transcript in ({"id": "t-1", "transcript": " "}, {"transcript": "a"}, [], None)
        ),
        (
            envelope("rap-publish-ended", {"record-id": "r1", "success": True}),
            RecordingReady(record_id="r1", **COMMON),
        ),
        (
            envelope("rap-publish-ended", {"record-id": "r1", "success": False}),
            Unknown(kind="rap-publish-ended", **COMMON),
        ),
        (
            envelope("user-cam-broadcast-start", {"user": USER}),
            Unknown(kind="user-cam-broadcast-start", **COMMON),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_parse_each_kind(sent, event):
    assert webhooks.parse(body_of(sent)) == [event]


@pytest.mark.parametrize(
    ("sender", "chat_id", "expected"),
    [
        (
            {"internal-user-id": "w_1", "external-user-id": "u7", "name": "Ada", "time": "1698771232700"},
            "MAIN-PUBLIC-GROUP-CHAT",
            ("w_1", "u7", 1698771232700, True),
        ),
        (
            {"internal-user-id": "w_1", "name": "Ada", "time": 1698771232700},
            "MAIN-PUBLIC-GROUP-CHAT",
            ("w_1", "", 1698771232700, True),
        ),
        ({"internal-user-id": "Ada", "name": "Ada"}, "1698-private", ("Ada", "", 1698771232706, False)),
    ],
)
def test_parse_chat_message(sender, chat_id, expected):
    message = {"id": "1698771232706-9idm9pxf", "message": "a &lt;b&gt;", "sender": sender}
    [event] = webhooks.parse(
        body_of(envelope("chat-group-message-sent", {"chat-message": message, "chat-id": chat_id}))
    )
    user_id, external_id, sent_at_ms, is_public = expected
    assert event == ChatMessage(
        id="1698771232706-9idm9pxf",
        text="a &lt;b&gt;",
        sender_name="Ada",
        sender_user_id=user_id,
        sender_external_id=external_id,
        is_public=is_public,
        **COMMON | {"sent_at_ms": sent_at_ms},
    )


def old_message(text="Bonjour", time=1698771232700, user_id="w_1"):
    """As bbb-webhooks 2.6.1 has it: no id, and the name where an external id should be."""
    sender = {"internal-user-id": user_id, "external-user-id": "Ada", "timezone-offset": -60, "time": time}
    message = {"message": text, "sender": sender}
    return envelope("chat-group-message-sent", {"chat-message": message, "chat-id": "MAIN-PUBLIC-GROUP-CHAT"})


def test_parse_chat_message_of_version_2():
    [event, again] = webhooks.parse(body_of(old_message(), old_message()))
    assert (event.sender_name, event.sender_user_id, event.sender_external_id) == ("Ada", "w_1", "")
    assert (event.text, event.sent_at_ms, event.is_public) == ("Bonjour", 1698771232700, True)
    assert event == again
    assert 0 < len(event.id) <= 40


def test_parse_chat_messages_of_version_2_are_told_apart():
    sent = [
        old_message(),
        old_message("Bonsoir"),
        old_message(time=1698771232701),
        old_message(user_id="w_2"),
    ]
    assert len({event.id for event in webhooks.parse(body_of(*sent))}) == 4


@pytest.mark.parametrize("missing", [{"time": None}, {"user_id": ""}])
def test_parse_chat_message_that_nothing_tells_apart(missing):
    [event] = webhooks.parse(body_of(old_message(**missing)))
    assert isinstance(event, Unknown)


def test_parse_emoji_of_version_2_says_nothing_of_hands():
    [event] = webhooks.parse(body_of(envelope("user-emoji-changed", {"user": USER})))
    assert event == Unknown(kind="user-emoji-changed", **COMMON)


def test_parse_leaves_out_what_no_database_takes():
    user = USER | {"name": "A\0da \ud800", "internal-user-id": "w_\x001"}
    [event] = webhooks.parse(body_of(envelope("user-joined", {"user": user})))
    assert (event.name, event.user_id) == ("Ada ?", "w_1")


def test_parse_keeps_the_order_of_events():
    events = webhooks.parse(
        body_of(envelope("meeting-ended", meeting_id="a"), envelope("meeting-ended", meeting_id="b"))
    )
    assert [event.meeting_id for event in events] == ["a", "b"]


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"user": None, "chat-message": [], "poll": "x", "meeting": 3},
        {
            "user": {"name": {"a": 1}},
            "chat-message": {"id": [], "sender": 4},
            "poll": {"answers": [None, 3], "answerIds": "no"},
        },
        {"meeting": {"external-meeting-id": {"$ne": 1}}},
    ],
)
@pytest.mark.parametrize("kind", [*webhooks._READERS, "", None, 5, ["x"]])
def test_parse_events_with_wrong_types(kind, attributes):
    [event] = webhooks.parse(body_of(envelope(kind, attributes)))
    assert isinstance(event, webhooks.Event)
    assert isinstance(event.meeting_id, str)


@pytest.mark.parametrize(
    "envelopes", [[None], ["x"], [[]], [{"data": None}], [{"data": {"attributes": []}}], [3]]
)
def test_parse_envelopes_of_wrong_types(envelopes):
    assert webhooks.parse(body_of(*envelopes)) == [Unknown(kind="", meeting_id="")]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"event=", id="no-event"),
        pytest.param(b"event=%5B%7B", id="cut"),
        pytest.param(b"event=3", id="number"),
        pytest.param(b"event=" + b"%5B" * 50_000, id="deep"),
        pytest.param(b"event=" + b"1" * 5000, id="long-number"),
        pytest.param(b"\xff\xfe", id="not-ascii"),
        pytest.param(b"event=%ff%fe", id="not-utf-8"),
        pytest.param(b"&".join([b"a=1"] * 1000), id="many-fields"),
        pytest.param(b"event=[" + b"1," * 2000 + b"1]", id="many-events"),
        pytest.param(b"x" * (webhooks.LARGEST_BODY_BYTES + 1), id="large"),
    ],
)
def test_parse_refuses_what_is_malformed(body):
    with pytest.raises(MalformedDeliveryError):
        webhooks.parse(body)


def token(claims, secret=SECRET, algorithm="HS256"):
    def encode(raw):
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    signed = f"{encode(json.dumps({'typ': 'JWT', 'alg': algorithm}).encode())}.{encode(json.dumps(claims).encode())}"
    signature = hmac.digest(secret.encode(), signed.encode(), "sha256")
    return urlencode({"signed_parameters": f"{signed}.{encode(signature)}"}).encode()


CLAIMS = {"meeting_id": "m-1", "record_id": "r-1"}


def test_recording_ready():
    assert webhooks.parse_recording_ready(token(CLAIMS), SECRET) == RecordingReady(
        meeting_id="m-1", record_id="r-1"
    )


@pytest.mark.parametrize("secret", ["s", "x" * 200, "é"])
def test_recording_ready_with_a_secret_of_any_length(secret):
    assert webhooks.parse_recording_ready(token(CLAIMS, secret=secret), secret).record_id == "r-1"


def test_recording_ready_without_a_secret():
    with pytest.raises(InvalidSignatureError):
        webhooks.parse_recording_ready(token(CLAIMS, secret=""), "")


@pytest.mark.parametrize(
    "body",
    [
        token(CLAIMS, secret="other"),
        token(CLAIMS, algorithm="none"),
        token(CLAIMS, algorithm="HS512"),
        token(CLAIMS)[:-4] + b"AAAA",
    ],
)
def test_recording_ready_forged(body):
    with pytest.raises(InvalidSignatureError):
        webhooks.parse_recording_ready(body, SECRET)


@pytest.mark.parametrize(
    "body", [b"", b"signed_parameters=a.b.c", b"signed_parameters=", token({"meeting_id": "m-1"}), token([])]
)
def test_recording_ready_malformed(body):
    with pytest.raises(MalformedDeliveryError):
        webhooks.parse_recording_ready(body, SECRET)
