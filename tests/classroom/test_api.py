import re
from urllib.parse import parse_qs, urlsplit

import pytest
from defusedxml.ElementTree import fromstring

from tests.classroom.conftest import SECRET

API = "/bigbluebutton/api"


@pytest.mark.parametrize("path", [API, f"{API}/"])
def test_version_probe(classroom, path):
    root = fromstring(classroom.get(classroom.url + path).text)
    assert [root.findtext(name) for name in ("returncode", "version", "apiVersion")] == [
        "SUCCESS",
        "2.0",
        "2.0",
    ]
    assert root.findtext("bbbVersion").startswith("3.0")


def test_healthz(classroom):
    classroom.create()
    assert classroom.get(f"{classroom.url}/healthz").json() == {"ok": True, "meetings": 1}


def test_create_reply(classroom):
    reply = classroom.create(duration="90", record="true", meta_Course="PHY 101")
    assert reply.ok
    assert reply.key == ""
    assert re.fullmatch(r"[0-9a-f]{40}-\d{13}", reply["internalMeetingID"])
    assert reply["internalMeetingID"].endswith(reply["createTime"])
    found = {
        name: reply[name]
        for name in ("meetingID", "parentMeetingID", "attendeePW", "moderatorPW", "duration")
    }
    expected = {"parentMeetingID": "bbb-none", "attendeePW": "ap", "moderatorPW": "mp", "duration": "90"}
    assert found == {"meetingID": "physics", **expected}
    assert (reply["hasUserJoined"], reply["hasBeenForciblyEnded"]) == ("false", "false")
    assert classroom.info()["metadata/course"] == "PHY 101"


@pytest.mark.parametrize(
    ("again", "key"),
    [
        ({}, "duplicateWarning"),
        ({"attendeePW": ""}, "duplicateWarning"),
        ({"moderatorPW": ""}, "duplicateWarning"),
        ({"attendeePW": "", "moderatorPW": ""}, "duplicateWarning"),
        ({"name": "Another name"}, "duplicateWarning"),
        ({"attendeePW": "other"}, "idNotUnique"),
        ({"moderatorPW": "other"}, "idNotUnique"),
        ({"attendeePW": "other", "moderatorPW": ""}, "idNotUnique"),
        ({"attendeePW": "other", "moderatorPW": "others"}, "idNotUnique"),
    ],
)
def test_create_again(classroom, again, key):
    first = classroom.create()
    second = classroom.create(**again)
    assert (second.ok, second.key) == (key == "duplicateWarning", key)
    if second.ok:
        assert second["internalMeetingID"] == first["internalMeetingID"]
        assert second["moderatorPW"] == "mp"


def test_create_again_after_the_end(classroom):
    first = classroom.create()
    assert classroom.call("end", meetingID="physics").key == "sentEndMeetingRequest"
    second = classroom.create(attendeePW="new")
    assert (second.ok, second.key) == (True, "")
    assert second["internalMeetingID"] != first["internalMeetingID"]


def test_create_voice_bridge_taken(classroom):
    assert classroom.create(voiceBridge="12345").ok
    assert classroom.create("chemistry", voiceBridge="12345").key == "nonUniqueVoiceBridge"


@pytest.mark.parametrize(
    ("parameters", "key"),
    [
        ({"meetingID": ""}, "missingParamMeetingID"),
        ({"meetingID": "x"}, "validationError"),
        ({"meetingID": "a,b"}, "validationError"),
        ({"meetingID": "x" * 257}, "validationError"),
        ({"name": ""}, "validationError"),
        ({"name": "x"}, "validationError"),
        ({"name": "x" * 257}, "validationError"),
        ({"duration": "long"}, "validationError"),
        ({"maxParticipants": "-1"}, "validationError"),
        ({"voiceBridge": "12a"}, "validationError"),
        ({"attendeePW": "same", "moderatorPW": "same"}, "validationError"),
    ],
)
def test_create_refused(classroom, parameters, key):
    reply = classroom.create(**parameters)
    assert (reply.status, reply.ok, reply.key) == (200, False, key)


def test_create_by_post(classroom):
    form = {"name": "Physics", "meetingID": "physics"}
    unsigned = classroom.signed("create")
    assert "<returncode>SUCCESS" in classroom.client.post(unsigned, data=form).text
    multipart = {name: (None, value) for name, value in form.items()}
    assert "duplicateWarning" in classroom.client.post(unsigned, files=multipart).text
    signed = classroom.signed("create", **form)
    assert "checksumError" in classroom.client.post(signed, data={"name": "Other"}).text
    answer = classroom.client.post(signed, content=b"{}", headers={"content-type": "application/json"})
    assert "unsupportedContentType" in answer.text
    answer = classroom.client.post(signed, content=b"<modules", headers={"content-type": "application/xml"})
    assert "validationError" in answer.text


@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha384", "sha512"])
def test_each_checksum_is_accepted(classroom, digest):
    assert (
        "<running>false"
        in classroom.get(classroom.signed("isMeetingRunning", digest=digest, meetingID="none")).text
    )


CALLS = [
    "create",
    "end",
    "isMeetingRunning",
    "getMeetingInfo",
    "getMeetings",
    "getRecordings",
    "sendChatMessage",
]
HOOK_CALLS = ["hooks/create", "hooks/list", "hooks/destroy"]


@pytest.mark.parametrize("call", [*CALLS, *HOOK_CALLS])
@pytest.mark.parametrize("checksum", ["", "&checksum=" + "0" * 64, "&checksum=zz"])
def test_checksum_error(classroom, call, checksum):
    root = fromstring(classroom.get(f"{classroom.url}{API}/{call}?meetingID=physics{checksum}").text)
    assert root.findtext("messageKey") == "checksumError"


@pytest.mark.parametrize("call", ["end", "isMeetingRunning", "getMeetingInfo", "sendChatMessage"])
def test_missing_meeting_id(classroom, call):
    assert classroom.call(call).key == "missingParamMeetingID"


def test_unknown_meeting(classroom):
    assert classroom.info("none").key == "notFound"
    assert classroom.call("end", meetingID="none").key == "notFound"
    assert classroom.call("sendChatMessage", meetingID="none", message="hello").key == "meetingNotFound"
    running = classroom.call("isMeetingRunning", meetingID="none")
    assert (running.ok, running["running"]) == (True, "false")


def test_unknown_call(classroom):
    assert "unsupportedRequest" in classroom.get(f"{classroom.url}{API}/setConfigXML").text


def test_get_meetings(classroom):
    none = classroom.call("getMeetings")
    assert (none.ok, none.key) == (True, "noMeetings")
    classroom.create("physics")
    classroom.create("chemistry", name="Chemistry & <more>")
    found = classroom.call("getMeetings").root.findall("meetings/meeting")
    assert [meeting.findtext("meetingID") for meeting in found] == ["physics", "chemistry"]
    assert found[1].findtext("meetingName") == "Chemistry & <more>"


def test_get_recordings(classroom):
    reply = classroom.call("getRecordings", meetingID="physics")
    assert (reply.ok, reply.key) == (True, "noRecordings")


def test_join_redirects_to_the_page(classroom):
    classroom.create()
    answer = classroom.get(classroom.signed("join", fullName="Ada", meetingID="physics", password="mp"))
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(f"{classroom.url}/html5client/?sessionToken=")
    page = classroom.get(answer.headers["location"])
    assert page.status_code == 200
    assert "Physics" in page.text


def test_join_without_redirect(classroom):
    created = classroom.create()
    reply = classroom.join(password="ap")
    assert (reply.ok, reply.key, reply["guestStatus"]) == (True, "successfullyJoined", "ALLOW")
    assert reply["meeting_id"] == created["internalMeetingID"]
    assert reply["user_id"].startswith("w_")
    assert reply["session_token"] in reply["url"]
    assert reply["auth_token"]


@pytest.mark.parametrize(
    ("parameters", "key"),
    [
        ({"fullName": ""}, "missingParamFullName"),
        ({"meetingID": ""}, "missingParamMeetingID"),
        ({"meetingID": "none"}, "invalidMeetingIdentifier"),
        ({"password": "wrong"}, "invalidPassword"),
        ({"role": "TEACHER"}, "invalidPassword"),
        ({"createTime": "1"}, "mismatchCreateTimeParam"),
        ({"guest": "true"}, "guestDeniedAccess"),
    ],
)
def test_join_refused(classroom, parameters, key):
    classroom.create(guestPolicy="ALWAYS_DENY")
    asked = {"fullName": "Ada", "meetingID": "physics", "role": "VIEWER"} | parameters
    assert classroom.call("join", redirect="false", **asked).key == key
    answer = classroom.get(classroom.signed("join", **asked))
    assert answer.status_code == 302
    assert f'"key":"{key}"' in parse_qs(urlsplit(answer.headers["location"]).query)["errors"][0]
    assert f'data-key="{key}"' in classroom.get(answer.headers["location"]).text


def test_join_after_the_end(classroom):
    classroom.create()
    classroom.call("end", meetingID="physics")
    assert classroom.join().key == "meetingForciblyEnded"


def test_join_refused_goes_where_the_caller_says(classroom):
    classroom.create(logoutURL="https://uni.example/out")
    asked = {"fullName": "Ada", "meetingID": "physics", "password": "wrong"}
    location = classroom.get(classroom.signed("join", **asked)).headers["location"]
    assert location.startswith("https://uni.example/out?errors=")
    asked["errorRedirectUrl"] = "https://uni.example/error?a=b"
    location = classroom.get(classroom.signed("join", **asked)).headers["location"]
    assert location.startswith("https://uni.example/error?a=b&errors=")


def test_join_with_a_wrong_checksum_stays_here(classroom):
    query = "fullName=Ada&meetingID=physics&errorRedirectUrl=https%3A%2F%2Fevil.example&checksum=" + "0" * 40
    location = classroom.get(f"{classroom.url}{API}/join?{query}").headers["location"]
    assert location.startswith(f"{classroom.url}/html5client/refused?errors=")
    assert "checksumError" in location
    assert "checksumError" in classroom.get(f"{classroom.url}{API}/join?redirect=false").text


def test_join_is_get_only_since_3_0(serve):
    classroom = serve("2.7")
    classroom.create()
    form = {"fullName": "Ada", "meetingID": "physics", "role": "VIEWER", "redirect": "false"}
    assert "successfullyJoined" in classroom.client.post(classroom.signed("join"), data=form).text


def test_join_by_post_is_refused_in_3_0(classroom):
    assert classroom.client.post(classroom.signed("join")).status_code == 405


def test_thirteenth_is_refused(classroom):
    classroom.create()
    for number in range(12):
        assert classroom.join(f"Listener {number}").ok
    assert classroom.join("The thirteenth").key == "maxParticipantsReached"
    assert classroom.join("The bot", bot="true").ok
    page = classroom.get(classroom.signed("join", fullName="X", meetingID="physics", role="VIEWER")).headers[
        "location"
    ]
    shown = classroom.client.get(page, headers={"accept-language": "fr"})
    assert "La salle est pleine" in shown.text


def test_bot_counts_before_3_0(serve):
    classroom = serve("2.7")
    classroom.create(maxParticipants="1")
    assert classroom.join("The bot", bot="true").ok
    assert classroom.join("Ada").key == "maxParticipantsReached"


def test_max_participants_of_create(classroom):
    classroom.create(maxParticipants="2")
    assert [classroom.join(str(number)).ok for number in range(3)] == [True, True, False]


def test_send_chat_message_validation(classroom):
    classroom.create()
    assert classroom.call("sendChatMessage", meetingID="physics").key == "validationError"
    assert classroom.call("sendChatMessage", meetingID="physics", message="x" * 501).key == "validationError"
    too_long = classroom.call("sendChatMessage", meetingID="physics", message="x", userName="y" * 256)
    assert too_long.key == "validationError"
    good = classroom.call("sendChatMessage", meetingID="physics", message="x" * 500, userName="y" * 255)
    assert (good.ok, good["messageKey"], good["message"]) == (True, "", "")


@pytest.mark.parametrize("profile", ["2.6", "2.7"])
def test_profile_before_3_0(serve, profile):
    classroom = serve(profile)
    classroom.create()
    root = fromstring(classroom.get(f"{classroom.url}{API}").text)
    assert root.findtext("bbbVersion").startswith(profile)
    assert root.find("graphqlApiUrl") is None
    assert classroom.call("sendChatMessage", meetingID="physics", message="hello").key == "unsupportedRequest"
    hook = classroom.get(
        classroom.signed("hooks/create", digest="sha1", callbackURL="http://127.0.0.1:9/a")
    ).text
    assert "<hookID>1</hookID>" in hook
    assert classroom.call("hooks/list").key == "checksumError"


def test_end_is_remembered_then_forgotten(serve):
    classroom = serve(speed=120)
    classroom.create()
    assert classroom.call("end", meetingID="physics").key == "sentEndMeetingRequest"
    ended = classroom.info()
    if ended.ok:  # at this speed the minute may be over already
        assert (ended["hasBeenForciblyEnded"], ended["running"]) == ("true", "false")
        assert int(ended["endTime"]) > 0
    assert classroom.call("end", meetingID="physics").key == "notFound"


def test_secret_is_never_in_a_page(classroom):
    classroom.create()
    url = classroom.join()["url"]
    assert SECRET not in classroom.get(url).text
