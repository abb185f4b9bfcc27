import json

from websockets.exceptions import ConnectionClosed

from tests.classroom.conftest import TIMEOUT_S, wait_for


def names(message):
    return [participant["name"] for participant in message["participants"]]


def attendee(classroom, name):
    for found in classroom.info().root.findall("attendees/attendee"):
        if found.findtext("fullName") == name:
            return {item.tag: item.text for item in found}
    return None


def test_session_is_needed(classroom, sit):
    seat = sit(classroom, "guessed")
    assert seat.receive("refused")["key"] == "sessionNotFound"


def test_welcome(classroom, enter):
    classroom.create()
    enter(classroom, "Ada", password="mp")
    bob = enter(classroom, "Bob")
    (welcome,) = bob.seen
    assert names(welcome) == ["Ada", "Bob"]
    assert welcome["participants"][0]["presenter"]
    assert welcome["self"] == welcome["participants"][1]["id"]
    assert classroom.call("isMeetingRunning", meetingID="physics")["running"] == "true"


def test_page_may_ask_whether_anybody_hears_it(classroom, enter):
    classroom.create()
    ada = enter(classroom, "Ada")
    ada.send("ping")
    assert ada.receive("pong") == {"type": "pong"}


def test_running_only_after_the_first_page(classroom):
    classroom.create()
    classroom.join()
    assert classroom.call("isMeetingRunning", meetingID="physics")["running"] == "false"
    assert classroom.info()["participantCount"] == "0"


def test_attendees_are_as_they_are(classroom, enter):
    classroom.create()
    ada = enter(classroom, "Ada", password="mp", userID="u1", **{"userdata-course": "PHY & 1"})
    expected = {
        "userID": "u1",
        "fullName": "Ada",
        "role": "MODERATOR",
        "isPresenter": "true",
        "clientType": "HTML5",
    }
    media = {"isListeningOnly": "false", "hasJoinedVoice": "false", "hasVideo": "false"}
    assert attendee(classroom, "Ada") == {**expected, **media, "customdata": None}
    assert classroom.info()["attendees/attendee/customdata/course"] == "PHY & 1"
    ada.send("audio", mode="listen")
    ada.receive("participant")
    assert attendee(classroom, "Ada")["isListeningOnly"] == "true"
    ada.send("audio", mode="microphone")
    ada.send("camera", on=True)
    ada.receive("participant")
    ada.receive("participant")
    found = attendee(classroom, "Ada")
    assert (found["isListeningOnly"], found["hasJoinedVoice"], found["hasVideo"]) == ("false", "true", "true")
    info = classroom.info()
    counts = ("participantCount", "listenerCount", "voiceParticipantCount", "videoCount", "moderatorCount")
    assert [info[name] for name in counts] == ["1", "0", "1", "1", "1"]


def test_bot_is_seen(classroom, enter):
    classroom.create()
    bot = enter(classroom, "Streaming", bot="true")
    assert bot.seen[0]["participants"][0]["bot"]
    bot.send("camera", on=True)
    assert bot.receive("error")["reason"] == "too_many_publishers"


def test_seventh_publisher_is_refused(classroom, enter):
    classroom.create()
    seats = [enter(classroom, str(number)) for number in range(7)]
    for seat in seats[:6]:
        seat.send("camera", on=True)
    wait_for(lambda: classroom.info()["videoCount"] == "6", "six cameras")
    for act in (
        {"kind": "audio", "mode": "microphone"},
        {"kind": "camera", "on": True},
        {"kind": "screen", "on": True},
    ):
        seats[6].send(**act)
        refused = seats[6].receive("error")
        assert (refused["act"], refused["reason"]) == (act["kind"], "too_many_publishers")
    seats[0].send("camera", on=False)
    wait_for(lambda: classroom.info()["videoCount"] == "5", "five cameras")
    seats[6].send("camera", on=True)
    wait_for(lambda: classroom.info()["videoCount"] == "6", "six cameras")


def test_one_screen_at_a_time(classroom, enter):
    classroom.create()
    ada, bob = enter(classroom, "Ada"), enter(classroom, "Bob")
    ada.send("screen", on=True)
    bob.receive("participant")
    bob.send("screen", on=True)
    assert bob.receive("error")["reason"] == "screen_taken"


def test_signals_reach_one_opening_of_one_page(classroom, enter):
    classroom.create()
    ada, bob = enter(classroom, "Ada"), enter(classroom, "Bob")
    target = bob.seen[0]["self"]
    ada.send("signal", to=target, toClient="an older page", signal={"n": 1})
    ada.send("signal", to=target, toClient="page-1", signal={"n": 2})
    signal = bob.receive("signal")
    assert (signal["from"], signal["client"], signal["signal"]) == (ada.seen[0]["self"], "page-1", {"n": 2})


def test_signals_stay_in_their_meeting(classroom, enter):
    classroom.create()
    classroom.create("chemistry")
    ada, eve = enter(classroom, "Ada"), enter(classroom, "Eve", meeting_id="chemistry")
    eve.send("signal", to=ada.seen[0]["self"], toClient="page-1", signal={"evil": True})
    eve.send("chat", text="done")
    eve.receive("chat")
    ada.send("chat", text="me")
    ada.receive("chat")
    assert [message["type"] for message in ada.seen] == ["welcome", "chat"]


def test_connection_found_again(classroom, enter, sit):
    classroom.create()
    ada, bob = enter(classroom, "Ada", password="mp"), enter(classroom, "Bob")
    bob.send("camera", on=True)
    ada.receive("participant")
    ada.receive("participant")
    bob.socket.close()
    assert ada.receive("participant")["participant"]["away"]
    assert classroom.info()["participantCount"] == "2"
    ada.send("signal", to=bob.seen[0]["self"], toClient="page-1", signal={"kept": True})
    ada.send("chat", text="while you were out")
    ada.receive("chat")
    back = sit(classroom, bob.token)
    welcome = back.receive("welcome")
    assert names(welcome) == ["Ada", "Bob"]
    assert welcome["participants"][1]["camera"], "the same page is still publishing"
    assert [message["text"] for message in welcome["chat"]] == ["while you were out"]
    assert back.receive("signal")["signal"] == {"kept": True}
    assert not ada.receive("participant")["participant"]["away"]


def test_page_loaded_again(classroom, enter, sit):
    classroom.create()
    ada = enter(classroom, "Ada")
    ada.send("camera", on=True)
    ada.receive("participant")
    again = sit(classroom, ada.token, client="page-2")
    welcome = again.receive("welcome")
    assert names(welcome) == ["Ada"]
    assert not welcome["participants"][0]["camera"]
    ada.receive("replaced")


def test_lost_connection_leaves_after_a_while(serve, enter, receiver):
    classroom = serve(speed=20)
    classroom.create(meetingExpireWhenLastUserLeftInMinutes="0")
    classroom.call("hooks/create", callbackURL=receiver.url, eventID="user-left")
    enter(classroom, "Ada").socket.close()
    receiver.wait_event("user-left")
    assert classroom.info()["participantCount"] == "0"


def test_leave_and_come_back(classroom, enter, sit):
    classroom.create()
    ada = enter(classroom, "Ada")
    ada.send("leave")
    wait_for(lambda: classroom.info()["participantCount"] == "0", "the leave")
    assert names(sit(classroom, ada.token, client="page-2").receive("welcome")) == ["Ada"]


def test_end_for_all(classroom, enter):
    classroom.create(meetingEndedURL="https://uni.example/after", logoutURL="https://uni.example/out")
    ada, bob = enter(classroom, "Ada", password="mp"), enter(classroom, "Bob")
    bob.send("end")
    assert bob.receive("error")["reason"] == "moderators_only"
    ada.send("end")
    for seat in (ada, bob):
        assert seat.receive("ended")["url"] == "https://uni.example/after"
    wait_for(lambda: classroom.info()["hasBeenForciblyEnded"] == "true", "the end")


def test_end_by_the_api(classroom, enter, sit):
    classroom.create()
    ada = enter(classroom, "Ada")
    assert classroom.call("end", meetingID="physics").ok
    assert ada.receive("ended")["reason"] == "ended"
    assert sit(classroom, ada.token).receive("refused")["key"] == "meetingForciblyEnded"


def test_javascript_address_is_not_kept(classroom, enter):
    classroom.create(logoutURL="javascript:alert(1)", meetingEndedURL="javascript:alert(2)")
    ada = enter(classroom, "Ada")
    classroom.call("end", meetingID="physics")
    assert ada.receive("ended")["url"] == ""


def test_nonsense_changes_nothing(classroom, enter):
    classroom.create()
    ada = enter(classroom, "Ada")
    for text in (
        "",
        "[]",
        "nonsense",
        '{"type": "dance"}',
        '{"type": ["chat"]}',
        '{"type": "slides", "page": []}',
    ):
        ada.socket.send(text)
    ada.socket.send(json.dumps({"type": "audio", "mode": "loud"}))
    ada.send("chat", text="still here")
    assert ada.receive("chat")["message"]["text"] == "still here"


def test_binary_frame_closes_that_page_only(classroom, enter):
    classroom.create()
    ada, bob = enter(classroom, "Ada"), enter(classroom, "Bob")
    ada.socket.send(b"\x00\x01")
    try:
        while True:
            ada.socket.recv(timeout=TIMEOUT_S)
    except ConnectionClosed:
        pass
    bob.send("chat", text="still here")
    assert bob.receive("chat")


def test_chat_length(classroom, enter):
    classroom.create()
    ada = enter(classroom, "Ada")
    for text in ("", "   ", "x" * 5001):
        ada.send("chat", text=text)
        assert ada.receive("error")["reason"] == "chat_length"
