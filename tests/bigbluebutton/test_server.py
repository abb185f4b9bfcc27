import hashlib
import logging
from urllib.parse import parse_qsl, urlsplit

import pytest

from amphi.bigbluebutton import (
    CallNotSupportedError,
    InvalidArgumentError,
    MeetingExistsError,
    MeetingNotFoundError,
    MisconfiguredServerError,
    Presentation,
    RefusedError,
    Server,
    WebhooksUnavailableError,
)
from amphi.bigbluebutton.server import api_url, version_of
from tests.bigbluebutton.replies import SECRET, failed, success, xml
from tests.wire import answer


@pytest.mark.parametrize(
    "url",
    [
        "https://bbb.example.org",
        "https://bbb.example.org/",
        "https://bbb.example.org/bigbluebutton",
        "https://bbb.example.org/bigbluebutton/",
        "https://bbb.example.org/bigbluebutton/api",
        " https://bbb.example.org/bigbluebutton/api/ ",
    ],
)
def test_api_url_from_any_form(url):
    assert api_url(url) == "https://bbb.example.org/bigbluebutton/api"


@pytest.mark.parametrize(
    "url",
    ["bbb.example.org", "ftp://bbb", "https://a:b@bbb", "https://bbb/?x=1", "https://bbb/#x", "https://", ""],
)
def test_api_url_refuses_what_is_none(url):
    with pytest.raises(MisconfiguredServerError, match="BigBlueButton"):
        api_url(url)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("3.0.4", (3, 0)),
        ("2.7-beta-1", (2, 7)),
        ("2.6.19", (2, 6)),
        ("4.0", (4, 0)),
        ("", None),
        ("latest", None),
    ],
)
def test_version_of(text, version):
    assert version_of(text) == version


# The example of the documentation's chapter on the security of the API.
def test_join_url_signed_as_the_documentation_has_it():
    server = Server("https://yourserver.com", SECRET, checksum="sha1")
    url = server.join_url("abc123", "Test", role="VIEWER")
    query = "fullName=Test&meetingID=abc123&role=VIEWER"
    expected = hashlib.sha1(f"join{query}{SECRET}".encode(), usedforsecurity=False).hexdigest()
    assert url == f"https://yourserver.com/bigbluebutton/api/join?{query}&checksum={expected}"


@pytest.mark.parametrize(
    ("algorithm", "length"), [("sha1", 40), ("sha256", 64), ("sha384", 96), ("sha512", 128)]
)
def test_join_url_in_every_algorithm(algorithm, length):
    url = Server("https://b", SECRET, checksum=algorithm).join_url(
        "m", "Zoé & co", role="MODERATOR", user_id="7", create_time=5
    )
    raw, _, checksum = urlsplit(url).query.rpartition("&checksum=")
    assert len(checksum) == length
    assert hashlib.new(algorithm, f"join{raw}{SECRET}".encode()).hexdigest() == checksum
    assert dict(parse_qsl(raw)) == {
        "fullName": "Zoé & co",
        "meetingID": "m",
        "role": "MODERATOR",
        "userID": "7",
        "createTime": "5",
    }


CREATED = """<meetingID>m-1</meetingID><internalMeetingID>ab-17</internalMeetingID><parentMeetingID>bbb-none</parentMeetingID>
<attendeePW>ap</attendeePW><moderatorPW>mp</moderatorPW><createTime>1531241258036</createTime><voiceBridge>70066</voiceBridge>
<dialNumber>613-555-1234</dialNumber><hasUserJoined>false</hasUserJoined><duration>90</duration>
<hasBeenForciblyEnded>false</hasBeenForciblyEnded>"""


def test_create_signs_the_query_that_is_sent(serve):
    wire = serve(lambda _: success(CREATED + "<messageKey></messageKey>"))
    made = Server(wire.url, SECRET).create("m-1", "Été à l’École", parameters={"meta_x": "a b+c"})
    assert (made.meeting_id, made.internal_id, made.create_time_ms, made.duration_minutes) == (
        "m-1",
        "ab-17",
        1531241258036,
        90,
    )
    assert not made.existed
    request = wire.requests[0]
    raw, _, checksum = request.raw_query.rpartition("&checksum=")
    assert request.path == "/bigbluebutton/api/create"
    assert hashlib.sha256(f"create{raw}{SECRET}".encode()).hexdigest() == checksum
    assert request.query["meta_x"] == "a b+c"


def test_create_of_a_meeting_that_is_there(serve):
    wire = serve(lambda _: success(CREATED + "<messageKey>duplicateWarning</messageKey>"))
    assert Server(wire.url, SECRET).create("m-1", "Été").existed


def test_create_with_other_passwords(serve):
    wire = serve(lambda _: failed("idNotUnique", "A meeting already exists with that meeting ID."))
    with pytest.raises(MeetingExistsError, match="already exists") as caught:
        Server(wire.url, SECRET).create("m-1", "Été")
    assert caught.value.permanent


def test_create_with_presentations_posts_xml(serve):
    wire = serve(lambda _: success(CREATED))
    slides = [
        Presentation(name="a&b.pdf", content=b"%PDF-1", current=True),
        Presentation(name="c.pdf", url="https://pod/c?a=1&b=2", downloadable=True),
    ]
    Server(wire.url, SECRET).create("m-1", "Été", presentations=slides)
    request = wire.requests[0]
    raw, _, checksum = request.raw_query.rpartition("&checksum=")
    assert request.method == "POST"
    assert request.headers["content-type"] == "application/xml"
    assert hashlib.sha256(f"create{raw}{SECRET}".encode()).hexdigest() == checksum
    body = request.body.decode()
    assert '<modules><module name="presentation"><document' in body
    assert 'name="a&amp;b.pdf">JVBERi0x</document>' in body
    assert 'url="https://pod/c?a=1&amp;b=2" filename="c.pdf" />' in body


INFO = f"""{CREATED}<meetingName>Été</meetingName><running>true</running><recording>false</recording>
<startTime>1531241258074</startTime><endTime>0</endTime><participantCount>2</participantCount><listenerCount>1</listenerCount>
<voiceParticipantCount>1</voiceParticipantCount><videoCount>1</videoCount><maxUsers>0</maxUsers>
<moderatorCount>1</moderatorCount><isBreakout>false</isBreakout><metadata><bbb-origin>amphi</bbb-origin></metadata>
<attendees>
<attendee><userID>u7</userID><fullName>Ada &amp; Cie</fullName><role>MODERATOR</role><isPresenter>true</isPresenter>
<isListeningOnly>false</isListeningOnly><hasJoinedVoice>true</hasJoinedVoice><hasVideo>true</hasVideo>
<clientType>HTML5</clientType></attendee>
<attendee><userID>bot</userID><fullName>streaming</fullName><role>VIEWER</role><isPresenter>false</isPresenter>
<isListeningOnly>true</isListeningOnly><hasJoinedVoice>false</hasJoinedVoice><hasVideo>false</hasVideo>
<clientType>HTML5</clientType><customdata><bbb_auto_join_audio>true</bbb_auto_join_audio></customdata></attendee>
</attendees>"""


def test_meeting_info(serve):
    wire = serve(lambda _: success(INFO))
    info = Server(wire.url, SECRET).meeting_info("m-1")
    assert (info.name, info.running, info.over, info.participant_count) == ("Été", True, False, 2)
    assert info.metadata == {"bbb-origin": "amphi"}
    assert [(one.user_id, one.full_name, one.is_listening_only) for one in info.attendees] == [
        ("u7", "Ada & Cie", False),
        ("bot", "streaming", True),
    ]
    assert info.attendees[1].custom_data == {"bbb_auto_join_audio": "true"}


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("notFound", "A meeting with that ID does not exist"),
        ("validationError", "Invalid meeting ID: A meeting with that ID does not exist"),
    ],
)
def test_meeting_info_of_an_unknown_meeting(serve, key, message):
    wire = serve(lambda _: failed(key, message))
    with pytest.raises(MeetingNotFoundError):
        Server(wire.url, SECRET).meeting_info("m-1")


def test_meeting_info_refused_for_another_reason(serve):
    wire = serve(lambda _: failed("validationError", "Invalid meeting ID: too long"))
    with pytest.raises(RefusedError) as caught:
        Server(wire.url, SECRET).meeting_info("m-1")
    assert not isinstance(caught.value, MeetingNotFoundError)


def test_meetings_none_and_some(serve):
    replies = iter(
        [
            success("<meetings/><messageKey>noMeetings</messageKey>"),
            success(f"<meetings><meeting>{INFO}</meeting></meetings>"),
        ]
    )
    server = Server(serve(lambda _: next(replies)).url, SECRET)
    assert server.meetings() == []
    assert [one.meeting_id for one in server.meetings()] == ["m-1"]


@pytest.mark.parametrize("running", [True, False])
def test_is_running(serve, running):
    wire = serve(lambda _: success(f"<running>{str(running).lower()}</running>"))
    assert Server(wire.url, SECRET).is_running("m-1") is running


def test_end(serve):
    wire = serve(lambda _: success("<messageKey>sentEndMeetingRequest</messageKey>"))
    Server(wire.url, SECRET).end("m-1")
    assert wire.requests[0].query["meetingID"] == "m-1"


def test_recordings(serve):
    wire = serve(
        lambda _: success(
            "<recordings><recording><recordID>r1</recordID><meetingID>m-1</meetingID><name>Été</name><published>true</published>"
            "<state>published</state><startTime>1</startTime><endTime>2</endTime><participants>3</participants><playback><format>"
            "<type>presentation</type><url>https://b/p</url><length>4</length><size>5</size></format></playback></recording></recordings>"
        )
    )
    [recording] = Server(wire.url, SECRET).recordings(meeting_id="m-1", limit=5)
    assert (recording.record_id, recording.published, recording.formats[0].url) == ("r1", True, "https://b/p")
    assert wire.requests[0].query.keys() == {"meetingID", "limit", "checksum"}


def test_insert_document(serve):
    wire = serve(lambda _: success())
    Server(wire.url, SECRET).insert_document("m-1", [Presentation(name="a.pdf", url="https://pod/a.pdf")])
    assert b'url="https://pod/a.pdf"' in wire.requests[0].body


def test_send_chat_message(serve):
    wire = serve(lambda _: success("<messageKey/><message/>"))
    Server(wire.url, SECRET).send_chat_message("m-1", "Où ? <b>&", user_name="Zoé" * 100)
    query = wire.requests[0].query
    assert wire.requests[0].method == "GET"
    assert query["message"] == "Où ? <b>&"
    assert len(query["userName"]) == 255


@pytest.mark.parametrize("text", ["", "x" * 501, "😀" * 251])
def test_send_chat_message_refuses_lengths_before_sending(text):
    with pytest.raises(InvalidArgumentError, match="1 to 500"):
        Server("http://127.0.0.1:9", SECRET).send_chat_message("m-1", text)


@pytest.mark.parametrize(
    "body",
    [
        "<html>404</html>",
        "<Map><timestamp>1749733504872</timestamp><status>404</status><error>Not Found</error></Map>",
        '{"status":404,"error":"Not Found"}',
    ],
    ids=["html", "map", "json"],
)
def test_send_chat_message_to_an_old_server(serve, body):
    wire = serve(lambda _: answer(body, "404 Not Found", "text/html"))
    with pytest.raises(CallNotSupportedError) as caught:
        Server(wire.url, SECRET).send_chat_message("m-1", "x")
    assert caught.value.permanent
    assert not isinstance(caught.value, WebhooksUnavailableError)


def test_refusal_in_the_form_of_errors(serve):
    wire = serve(
        lambda _: xml(
            '<returncode>FAILED</returncode><errors><error key="validationError" message="too long"/></errors>'
        )
    )
    with pytest.raises(RefusedError, match="too long") as caught:
        Server(wire.url, SECRET).end("m-1")
    assert caught.value.key == "validationError"


def test_refusal_with_an_http_error_is_the_refusal(serve):
    wire = serve(
        lambda _: answer(
            "<response><returncode>FAILED</returncode><messageKey>notFound</messageKey></response>",
            "500 Oops",
            "text/xml",
        )
    )
    with pytest.raises(MeetingNotFoundError):
        Server(wire.url, SECRET).end("m-1")


def test_no_secret_in_any_log(serve, caplog):
    caplog.set_level(logging.DEBUG)
    wire = serve(lambda _: success(INFO))
    server = Server(wire.url, SECRET)
    server.meeting_info("m-1")
    checksum = wire.requests[0].query["checksum"]
    assert SECRET not in repr(server) + caplog.text
    assert checksum not in caplog.text
