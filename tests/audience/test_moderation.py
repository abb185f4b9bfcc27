"""The rules of the discussion, and order in the hall."""

import json
import uuid
from datetime import timedelta

import pytest

from amphi.audience import (
    chat_history,
    crowding,
    domain,
    guests,
    hands,
    message_reactions,
    moderation,
    queries,
    questions,
)
from amphi.audience.chat_rules import holds_a_word
from amphi.audience.exceptions import ChatError, ModerationError, VoiceError
from amphi.audience.models import Event, Message, MessageReaction, Restraint, StreamMessage
from amphi.audience.pace import Pace
from amphi.audience.speakers import Speaker, account_speaker, guest_speaker
from amphi.webinars.models import State
from tests.factories import make_gateway, make_user, make_webinar, put

pytestmark = pytest.mark.django_db

HOUSE = "10.0.0.1"


@pytest.fixture
def event(settings, monkeypatch) -> Event:
    settings.USE_MEETING_WEBINAR = True
    # However slow this machine is, a test's messages are those of one moment.
    monkeypatch.setattr(chat_history, "WINDOW", timedelta(days=1))
    monkeypatch.setattr(message_reactions, "_pace", Pace(60, 86_400))
    livestream = make_webinar(make_user("marie", first_name="Marie", last_name="Curie"), enable_chat=True)
    put(livestream, State.LIVE)
    livestream.event.moderators.add(make_user("leo"))
    return having(livestream.event, guests_may_write=True)


def having(event: Event, **columns) -> Event:
    Event.objects.filter(pk=event.pk).update(**columns)
    return Event.objects.get(pk=event.pk)


def people(event: Event) -> dict[str, Speaker]:
    """One of each role."""
    guests.become_guest(event, viewer="azoe", name="Zoé", network=HOUSE)
    return {
        "presenter": account_speaker(event.owner, event),
        "moderator": account_speaker(event.moderators.get(), event),
        "listener": account_speaker(make_user("hugo", first_name="Hugo", last_name="Roy"), event),
        "guest": guest_speaker(event, "azoe", HOUSE),
    }


def write(event: Event, speaker: Speaker, text: str = "Bonjour", **options) -> Message:
    return domain.write_message(event, speaker=speaker, text=text, **options)


def told(event: Event, kind: str = "message") -> list[dict]:
    rows = StreamMessage.objects.filter(channel=event.pk, kind=kind).order_by("seq")
    return [json.loads(row.data) for row in rows]


def outcome(event: Event, speaker: Speaker, text: str = "Bonjour") -> str:
    try:
        message = write(event, speaker, text)
    except ChatError as error:
        return error.code if str(error) else "no sentence"
    return f"{message.visibility} {message.delivery}"


# --- who writes, and what becomes of it

SENT, KEPT, WAITS = "shown waiting", "shown none", "waiting none"


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({}, [SENT, SENT, SENT, SENT]),
        ({"enable_chat": False}, ["chat_closed"] * 4),
        ({"chat_mode": "approved"}, [SENT, SENT, WAITS, WAITS]),
        ({"chat_mode": "questions"}, [SENT, SENT, "questions_only", "questions_only"]),
        ({"held_words": "autre\nbonjour"}, [SENT, SENT, WAITS, WAITS]),
        ({"held_words": "bon"}, [SENT, SENT, SENT, SENT]),
        ({"to_meeting": "approved"}, [SENT, SENT, KEPT, KEPT]),
        ({"to_meeting": "voted"}, [KEPT] * 4),
        ({"to_meeting": "nothing"}, [KEPT] * 4),
        ({"state": "over"}, ["nothing_runs"] * 4),
    ],
)
def test_rules_of_the_discussion(event, columns, expected):
    who = people(event)
    event = having(event, **columns)
    assert [outcome(event, speaker) for speaker in who.values()] == expected


def test_slow_discussion_has_each_listener_wait(event):
    who = people(event)
    event = having(event, chat_mode="slow", slow_s=600)
    assert [outcome(event, speaker) for speaker in who.values()] == [SENT] * 4
    assert [outcome(event, speaker) for speaker in who.values()] == [SENT, SENT, "slow", "slow"]
    with pytest.raises(ChatError, match=r"\d+ secondes"):
        write(event, who["listener"])


def test_guest_is_held_by_their_browser_strictly_and_by_their_address_generously(event, settings):
    settings.CHAT_RATE_PER_MINUTE, settings.CHAT_RATE_PER_ADDRESS = 2, 5
    for number in range(4):
        guests.become_guest(event, viewer=f"a{number}", name=f"Zoé {number}", network=HOUSE)
    crowd = [guest_speaker(event, f"a{number}", HOUSE) for number in range(4)]
    assert [outcome(event, crowd[0]) for _ in range(3)] == [SENT, SENT, "too_many"]
    assert [outcome(event, one) for one in crowd[1:]] == [SENT, SENT, SENT]
    # The address has had five; those with an account are not counted by it.
    assert outcome(event, crowd[1]) == "too_many"
    assert outcome(event, people(event)["listener"]) == SENT


def test_webinar_takes_what_it_can_and_half_of_it_from_one_block(event, monkeypatch):
    paces = Pace(6, 1, clock=lambda: 0), Pace(3, 1, clock=lambda: 0)
    monkeypatch.setattr(crowding, "_paces", lambda _rate: paces)
    for number in range(1, 9):
        guests.become_guest(
            event, viewer=f"a{number}", name=f"Zoé {number}", network=f"10.0.{number // 5}.{number}"
        )
    crowd = [guest_speaker(event, f"a{number}", f"10.0.{number // 5}.{number}") for number in range(1, 9)]
    # Four come from one /24, and four from another.
    assert [outcome(event, one) for one in crowd] == [SENT] * 3 + ["crowded"] + [SENT] * 3 + ["crowded"]
    who = people(event)
    assert outcome(event, who["listener"]) == "crowded"
    with pytest.raises(VoiceError, match="Beaucoup"):
        questions.ask(event, by=who["listener"], text="Pourquoi ?")
    assert outcome(event, who["presenter"]) == SENT


@pytest.mark.parametrize(
    ("text", "words", "held"),
    [
        ("Quel ÉLÈVE !", "eleve", True),
        ("élèves", "élève", False),
        ("c'est du s\u200bp\u00adam", "spam", True),
        ("sраm", "spam", True),
        ("une grave insulte", "insulte\ngrave insulte", True),
        ("rien", "", False),
        ("rien", "!!!", False),
    ],
)
def test_words_that_hold_a_message(text, words, held):
    assert holds_a_word(text, words) is held


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>alert(1)</script><b>x</b>", "<script>alert(1)</script><b>x</b>"),
        ("a\u202eb\u2066c", "abc"),
        ("👩\u200d👩\u200d👧 bien", "👩\u200d👩\u200d👧 bien"),
        ("a" + "\u0301" * 400, "a" + "\u0301" * 4),
        ("a" + "\u0301" * 10_000, "too_long"),
        ("x" * 1_000_000, "too_long"),
        ("\u0301" * 10_000_000, "too_long"),
        ("\u200b\u2060", "empty"),
    ],
    ids=["html", "direction", "joiners", "marks", "10000 marks", "1 MB", "10 MB of marks", "nothing"],
)
def test_hostile_text_is_shown_as_text_or_refused_with_a_sentence(event, text, shown):
    result = outcome(event, people(event)["listener"], text)
    assert result in {SENT, shown}
    assert [one["text"] for one in told(event)] == ([shown] if result == SENT else [])


def test_hundred_a_second_are_ten(event):
    speaker = people(event)["listener"]
    assert [outcome(event, speaker) for _ in range(100)].count(SENT) == 10
    assert len(told(event)) == 10


def test_reply_quotes_what_is_shown_here(event):
    who = people(event)
    first = write(event, who["listener"], "La question " * 20)
    quoting = write(event, who["guest"], "La réponse", reply_to=first.pk)
    assert told(event)[-1]["reply"] == {
        "id": str(first.pk),
        "author": "Hugo Roy",
        "role": "listener",
        "text": first.text[:140],
    }
    moderation.hide(event, first.pk, by=event.owner)
    assert queries.message_content(Message.objects.get(pk=quoting.pk))["reply"] is None
    elsewhere = make_webinar(gateway=make_gateway()).event
    for unknown in (first.pk, uuid.uuid4()):
        assert write(event, who["presenter"], reply_to=unknown).reply_to is None
    assert Message.objects.filter(event=elsewhere).count() == 0


# --- hidden names


def test_hidden_name_is_nowhere_for_listeners(event):
    who = people(event)
    event = having(event, names_hidden=True)
    mine = write(event, who["listener"], "sans nom")
    write(event, who["guest"], "réponse", reply_to=mine.pk)
    write(event, who["presenter"], "avec nom")
    moderation.pin(event, mine.pk)
    public = json.dumps(
        [
            told(event),
            told(event, "pin"),
            [queries.message_content(one) for one in queries.last_messages(event)],
        ]
    )
    assert "Hugo" not in public
    assert "Zo" not in public
    assert "Marie Curie" in public
    snapshot = json.dumps(queries.DatabaseLog().opening(event.pk, 512).snapshot)
    assert "sans nom" in snapshot
    assert "Hugo" not in snapshot
    assert moderation.moderators_content(event)["names"][str(mine.pk)] == "Hugo Roy"


# --- order


def test_approved_message_is_told_then_and_once(event):
    event = having(event, chat_mode="approved", to_meeting="approved")
    message = write(event, people(event)["listener"], "à valider")
    assert told(event) == []
    assert moderation.moderators_content(event)["waiting"][0]["text"] == "à valider"
    assert queries.last_messages(event) == []
    for _ in range(2):
        moderation.approve(event, message.pk, by=event.owner)
    assert [one["text"] for one in told(event)] == ["à valider"]
    message.refresh_from_db()
    assert (message.delivery, message.moderated_by) == ("waiting", event.owner)


def test_hidden_message_leaves_pages_pin_and_meeting_but_not_the_record(event):
    message = write(event, people(event)["listener"])
    moderation.pin(event, message.pk)
    assert queries.DatabaseLog().opening(event.pk, 9).snapshot["pinned"]["id"] == str(message.pk)
    event = Event.objects.get(pk=event.pk)
    moderation.hide(event, message.pk, by=event.owner)
    # One in place of the message, one that tells it.
    assert told(event, "hidden") == 2 * [{"ids": [str(message.pk)]}]
    assert told(event, "pin")[-1]["message"] is None
    message.refresh_from_db()
    assert (message.visibility, message.delivery, message.text) == ("hidden", "none", "Bonjour")
    assert queries.last_messages(event) == []
    with pytest.raises(ModerationError):
        moderation.pin(event, message.pk)


def test_chosen_message_goes_into_the_meeting_once(event):
    event = having(event, to_meeting="nothing")
    message = write(event, people(event)["listener"])
    for _ in range(2):
        moderation.pass_on(event, message.pk, by=event.owner)
    message.refresh_from_db()
    assert message.delivery == "waiting"
    Message.objects.filter(pk=message.pk).update(delivery="sent")
    moderation.pass_on(event, message.pk, by=event.owner)
    message.refresh_from_db()
    assert message.delivery == "sent"


@pytest.mark.parametrize("role", ["listener", "guest"])
def test_muted_and_excluded_write_no_more(event, role):
    speaker = people(event)[role]
    first = write(event, speaker, "un")
    restraint = moderation.restrain(event, first.pk, kind="muted", by=event.owner)
    assert outcome(event, speaker) == "muted"
    with pytest.raises(ChatError):
        message_reactions.react(event, speaker, message_id=first.pk, kind="clap", wanted=True)
    with pytest.raises(VoiceError):
        questions.ask(event, by=speaker, text="Pourquoi ?")
    with pytest.raises(VoiceError):
        hands.raise_hand(having(event, enable_hands=True), by=speaker)
    moderation.lift(event, restraint.pk)
    second = write(event, speaker, "deux")
    banned = moderation.restrain(event, second.pk, kind="banned", by=event.owner)
    assert banned.network == (HOUSE if role == "guest" else "")
    assert outcome(event, speaker) == "muted"
    assert {one for told_ids in told(event, "hidden") for one in told_ids["ids"]} == {
        str(first.pk),
        str(second.pk),
    }


@pytest.mark.parametrize("role", ["presenter", "moderator"])
def test_those_who_keep_order_are_not_restrained(event, role):
    message = write(event, people(event)[role])
    with pytest.raises(ModerationError):
        moderation.restrain(event, message.pk, kind="banned", by=event.owner)
    assert not Restraint.objects.exists()


def test_nothing_is_done_to_another_event_s_message(event):
    message = write(event, people(event)["listener"])
    other = make_webinar(gateway=make_gateway()).event
    for action in (
        lambda: moderation.approve(other, message.pk, by=other.owner),
        lambda: moderation.hide(other, message.pk, by=other.owner),
        lambda: moderation.pin(other, message.pk),
        lambda: moderation.pass_on(other, message.pk, by=other.owner),
        lambda: moderation.restrain(other, message.pk, kind="muted", by=other.owner),
    ):
        with pytest.raises(ModerationError):
            action()


# --- reactions


def test_each_viewer_gives_each_emoji_once(event, django_capture_on_commit_callbacks):
    who = people(event)
    message = write(event, who["presenter"])

    def react(role: str, kind: str, *, wanted: bool = True) -> dict[str, int]:
        with django_capture_on_commit_callbacks(execute=True):
            return message_reactions.react(event, who[role], message_id=message.pk, kind=kind, wanted=wanted)

    for _ in range(2):
        react("listener", "clap")
    react("guest", "clap")
    assert react("listener", "heart") == {"clap": 2, "heart": 1}
    assert react("listener", "clap", wanted=False) == {"clap": 1, "heart": 1}
    assert told(event, "reacted")[-1] == {"sums": {str(message.pk): {"clap": 1, "heart": 1}}}
    assert message_reactions.given(who["listener"].viewer, [message.pk]) == {message.pk: ["heart"]}


def test_reactions_are_bounded(event, monkeypatch):
    who = people(event)
    message = write(event, who["presenter"])
    monkeypatch.setattr(message_reactions, "_pace", Pace(3, 86_400))
    for kind, refused in (("clap", False), ("bomb", True), ("heart", False), ("thumb", False), ("wow", True)):
        if refused:
            with pytest.raises(ChatError):
                message_reactions.react(event, who["listener"], message_id=message.pk, kind=kind, wanted=True)
        else:
            message_reactions.react(event, who["listener"], message_id=message.pk, kind=kind, wanted=True)
    assert MessageReaction.objects.count() == 3


def test_words_hold_questions_too(event):
    event = having(event, held_words="spam")
    speaker = people(event)["listener"]
    asked = [questions.ask(event, by=speaker, text=text).state for text in ("Du SPAM ?", "Du pain ?")]
    assert asked == ["waiting", "open"]
