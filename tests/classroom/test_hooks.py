import hashlib
import json
import time

import pytest

from tests.classroom.conftest import SECRET, wait_for


def listen(classroom, receiver, path="/hook", **parameters):
    reply = classroom.call("hooks/create", callbackURL=receiver.url + path, **parameters)
    assert reply.ok, reply.key
    return reply


def test_create_list_destroy(classroom):
    made = classroom.call(
        "hooks/create", callbackURL="http://127.0.0.1:9/a?b=c", meetingID="physics", getRaw="false"
    )
    assert (made["permanentHook"], made["rawData"]) == ("false", "false")
    assert len(made["hookID"]) == 36
    again = classroom.call("hooks/create", callbackURL="http://127.0.0.1:9/a?b=c", meetingID="chemistry")
    assert (again.ok, again.key, again["hookID"]) == (True, "duplicateWarning", made["hookID"])
    classroom.call("hooks/create", callbackURL="http://127.0.0.1:9/all", eventID="user-joined,Meeting-Ended")
    (first, second) = classroom.call("hooks/list").root.findall("hooks/hook")
    assert {item.tag: item.text for item in first} == {
        "hookID": made["hookID"],
        "callbackURL": "http://127.0.0.1:9/a?b=c",
        "meetingID": "physics",
        "permanentHook": "false",
        "rawData": "false",
    }
    assert second.findtext("eventID") == "meeting-ended,user-joined"
    assert len(classroom.call("hooks/list", meetingID="other").root.findall("hooks/hook")) == 1
    assert classroom.call("hooks/destroy", hookID=made["hookID"])["removed"] == "true"
    assert classroom.call("hooks/destroy", hookID=made["hookID"]).key == "destroyMissingHook"
    assert len(classroom.call("hooks/list").root.findall("hooks/hook")) == 1


@pytest.mark.parametrize(
    ("call", "parameters", "key"),
    [
        ("hooks/create", {}, "missingParamCallbackURL"),
        ("hooks/create", {"callbackURL": "ftp://uni.example"}, "createHookError"),
        ("hooks/destroy", {}, "missingParamHookID"),
        ("hooks/destroy", {"hookID": "7"}, "destroyMissingHook"),
    ],
)
def test_refused(classroom, call, parameters, key):
    assert classroom.call(call, **parameters).key == key


@pytest.mark.parametrize(
    ("digest", "path", "separator"),
    [("sha1", "/hook", "?"), ("sha256", "/hook?m=1", "&"), ("sha512", "/hook", "?")],
)
def test_delivery_is_signed(serve, receiver, digest, path, separator):
    classroom = serve(digest=digest)
    listen(classroom, receiver, path)
    classroom.create(name="Physique & été")
    data = receiver.wait_event("meeting-created")
    (request,) = receiver.requests
    assert request.headers["Content-Type"].startswith("application/x-www-form-urlencoded")
    expected = hashlib.new(
        digest, (receiver.url + path).encode() + request.body + SECRET.encode()
    ).hexdigest()
    assert request.path == f"{path}{separator}checksum={expected}"
    assert list(request.form) == ["domain", "event", "timestamp"]
    assert request.form["domain"] == "127.0.0.1"
    assert abs(int(request.form["timestamp"]) / 1000 - time.time()) < 60
    assert (data["type"], data["attributes"]["meeting"]["name"]) == ("event", "Physique & été")
    assert data["attributes"]["meeting"]["external-meeting-id"] == "physics"


def test_scope_and_order(classroom, receiver, enter):
    listen(classroom, receiver, meetingID="physics")
    classroom.create("chemistry")
    classroom.create("physics")
    ada = enter(classroom, "Ada", password="mp", userID="u1")
    ada.send("hand", raised=True)
    ada.send("audio", mode="microphone")
    ada.send("audio", mode="microphone", muted=True)
    ada.send("camera", on=True)
    ada.send("screen", on=True)
    ada.send("leave")
    receiver.wait_event("user-left")
    assert [request.event["id"] for request in receiver.requests] == [
        "meeting-created",
        "user-joined",
        "user-presenter-assigned",
        "user-raise-hand-changed",
        "user-audio-voice-enabled",
        "user-audio-muted",
        "user-cam-broadcast-start",
        "meeting-screenshare-started",
        "meeting-screenshare-stopped",
        "user-cam-broadcast-end",
        "user-audio-voice-disabled",
        "user-left",
    ]
    joined = receiver.events("user-joined")[0]["attributes"]["user"]
    assert joined["internal-user-id"].startswith("w_")
    assert (joined["external-user-id"], joined["name"], joined["role"], joined["guest"]) == (
        "u1",
        "Ada",
        "MODERATOR",
        False,
    )
    assert receiver.events("user-raise-hand-changed")[0]["attributes"]["user"]["raise-hand"] is True
    audio = receiver.events("user-audio-voice-enabled")[0]["attributes"]["user"]
    assert (audio["listening-only"], audio["sharing-mic"], audio["muted"]) == (False, True, False)


def test_only_the_events_asked_for(classroom, receiver):
    listen(classroom, receiver, eventID="meeting-ended")
    classroom.create()
    classroom.call("end", meetingID="physics")
    receiver.wait_event("meeting-ended")
    assert len(receiver.requests) == 1


def test_chat_and_its_echo(classroom, receiver, enter):
    classroom.create()
    listen(classroom, receiver, eventID="chat-group-message-sent")
    ada = enter(classroom, "Ada", userID="u1")
    ada.send("chat", text="1 < 2 & <b>so</b>")
    wait_for(lambda: receiver.requests, "the chat")
    person = receiver.requests[0].event["attributes"]
    assert person["chat-id"] == "MAIN-PUBLIC-GROUP-CHAT"
    assert person["chat-message"]["message"] == "1 &lt; 2 &amp; &lt;b&gt;so&lt;/b&gt;"
    sender = person["chat-message"]["sender"]
    assert sender["internal-user-id"].startswith("w_")
    assert (sender["name"], sender["external-user-id"]) == ("Ada", "u1")
    assert classroom.call(
        "sendChatMessage", meetingID="physics", message="From afar", userName="Zoé (web)"
    ).ok
    assert ada.receive("chat")["message"]["name"] == "Ada"
    received = ada.receive("chat")["message"]
    assert (received["text"], received["name"]) == ("From afar", "Zoé (web)")
    wait_for(lambda: len(receiver.requests) == 2, "the echo")
    echo = receiver.requests[1].event["attributes"]["chat-message"]
    assert echo["sender"]["internal-user-id"] == "Zoé (web)"
    assert "external-user-id" not in echo["sender"]
    assert echo["id"] != person["chat-message"]["id"]


def listen_2(classroom, receiver):
    """bbb-webhooks 2 takes no other digest for its calls."""
    url = classroom.signed("hooks/create", digest="sha1", callbackURL=f"{receiver.url}/hook?m=1")
    assert "SUCCESS" in classroom.get(url).text


def test_version_2_signs_the_form_as_json(serve, receiver):
    classroom = serve("2.7")
    listen_2(classroom, receiver)
    classroom.create(name="Physique & été")
    receiver.wait_event("meeting-created")
    (request,) = receiver.requests
    assert list(request.form) == ["event", "timestamp", "domain"]
    signed = json.dumps(
        {**request.form, "timestamp": int(request.form["timestamp"])},
        separators=(",", ":"),
        ensure_ascii=False,
    )
    text = f"{receiver.url}/hook?m=1{signed}{SECRET}"
    expected = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    assert request.query["checksum"] == expected
    assert "parent-id" not in request.event["attributes"]["meeting"]


@pytest.mark.parametrize(("profile", "emojis"), [("2.6", 2), ("2.7", 0)])
def test_events_of_version_2(serve, receiver, enter, profile, emojis):
    """Its shapes, and nothing that it does not know: no hands, no muting, nobody in a screen's event."""
    classroom = serve(profile)
    classroom.create()
    listen_2(classroom, receiver)
    ada = enter(classroom, "Ada", userID="u1")
    ada.send("hand", raised=True)
    ada.send("hand", raised=False)
    ada.send("audio", mode="microphone", muted=False)
    ada.send("audio", mode="microphone", muted=True)
    ada.send("screen", on=True)
    ada.send("chat", text="1 < 2")
    ada.send("leave")
    receiver.wait_event("user-left")
    user = {"internal-user-id": receiver.events("user-joined")[0]["attributes"]["user"]["internal-user-id"]}
    user["external-user-id"] = "u1"
    told = [(request.event["id"], request.event["attributes"].get("user")) for request in receiver.requests]
    audio = {"listening-only": False, "sharing-mic": True}
    assert told == [
        ("user-joined", user | {"name": "Ada", "role": "VIEWER", "presenter": False}),
        *[("user-emoji-changed", user)] * emojis,
        ("user-audio-voice-enabled", user | audio),
        ("meeting-screenshare-started", None),
        ("chat-group-message-sent", None),
        ("meeting-screenshare-stopped", None),
        ("user-audio-voice-disabled", user | {"listening-only": False, "sharing-mic": False}),
        ("user-left", user),
    ]
    (said,) = receiver.events("chat-group-message-sent")
    sender = said["attributes"]["chat-message"].pop("sender")
    assert said["attributes"]["chat-message"] == {"message": "1 &lt; 2"}
    assert sender.pop("time") > 0
    assert sender == {
        "internal-user-id": user["internal-user-id"],
        "external-user-id": "Ada",
        "timezone-offset": 0,
    }


def test_transcript(classroom, receiver, enter):
    """The last two lines of eight words, as BigBlueButton 3.0 sends them."""
    classroom.create()
    listen(classroom, receiver, eventID="transcript-updated")
    ada = enter(classroom, "Ada", userID="u1")
    ada.send("transcript", id="1", text=" ".join(str(number) for number in range(18)), final=False)
    told = receiver.wait_event("transcript-updated")["attributes"]
    assert told["user"]["external-user-id"] == "u1"
    transcript = told["transcript"]
    assert transcript.pop("id") == f"{told['user']['internal-user-id']}-1"
    said = "8 9 10 11 12 13 14 15\n16 17"
    assert transcript == {"transcript": said, "locale": "fr-FR", "final": False}


def test_what_is_escaped_in_markdown_is_shown_as_it_is(classroom, receiver, enter):
    """BigBlueButton 3.0 reads its chat as Markdown, and tells it as it was written."""
    classroom.create()
    listen(classroom, receiver, eventID="chat-group-message-sent")
    ada = enter(classroom, "Ada")
    said = r"\*pas gras\* \\ \é"
    assert classroom.call("sendChatMessage", meetingID="physics", message=said, userName="Zoé").ok
    assert ada.receive("chat")["message"]["text"] == r"*pas gras* \ \é"
    told = receiver.wait_event("chat-group-message-sent")["attributes"]["chat-message"]
    assert told["message"] == said


def test_no_chat_where_it_is_disabled(classroom, receiver, enter):
    classroom.create(disabledFeatures="polls,chat")
    listen(classroom, receiver)
    ada = enter(classroom)
    assert classroom.call("sendChatMessage", meetingID="physics", message="hello").ok
    ada.send("chat", text="hello")
    assert ada.receive("error")["reason"] == "chat_disabled"
    assert not receiver.events("chat-group-message-sent")


def test_retries_until_accepted(serve, receiver):
    classroom = serve(speed=50)
    receiver.answers = [500, 404, 302, 503]
    listen(classroom, receiver)
    classroom.create()
    classroom.call("end", meetingID="physics")
    receiver.wait_event("meeting-ended")
    assert [request.event["id"] for request in receiver.requests] == ["meeting-created"] * 5 + [
        "meeting-ended"
    ]
    assert len({request.body for request in receiver.requests[:5]}) == 1, "the same message each time"


def test_unauthorized_is_an_answer(serve, receiver):
    classroom = serve(speed=50)
    receiver.answers = [401]
    listen(classroom, receiver)
    classroom.create()
    classroom.call("end", meetingID="physics")
    receiver.wait_event("meeting-ended")
    assert len(receiver.requests) == 2


def test_hook_is_destroyed_when_it_never_answers(serve, receiver):
    classroom = serve(speed=2000)
    receiver.answers = [500] * 100
    listen(classroom, receiver)
    classroom.create(meetingExpireIfNoUserJoinedInMinutes="0")
    wait_for(lambda: classroom.call("hooks/list").root.find("hooks/hook") is None, "the end of the hook")
    assert len(receiver.requests) == 13


def test_slow_receiver_delays_no_other(classroom, receiver):
    classroom.call("hooks/create", callbackURL="http://127.0.0.1:9/nobody")
    listen(classroom, receiver)
    classroom.create()
    receiver.wait_event("meeting-created")


def test_hook_of_a_meeting_ends_with_it(classroom, receiver):
    listen(classroom, receiver, meetingID="physics")
    classroom.create()
    classroom.call("end", meetingID="physics")
    receiver.wait_event("meeting-ended")
    wait_for(lambda: classroom.call("hooks/list").root.find("hooks/hook") is None, "the end of the hook")


def test_end_callback(serve, receiver):
    classroom = serve(speed=200)
    receiver.answers = [500, 302]
    classroom.create(meta_endCallbackUrl=f"{receiver.url}/ended?nonce=42")
    classroom.call("end", meetingID="physics")
    wait_for(lambda: len(receiver.requests) == 3, "the callback")
    assert {(request.method, request.path) for request in receiver.requests} == {
        ("GET", "/ended?nonce=42&recordingmarks=false")
    }


def test_expired_meeting_calls_back(serve, receiver):
    classroom = serve(speed=600)
    listen(classroom, receiver, eventID="meeting-ended")
    classroom.create(meta_endCallbackUrl=f"{receiver.url}/ended")
    receiver.wait_event("meeting-ended")
    wait_for(lambda: any(request.method == "GET" for request in receiver.requests), "the callback")
