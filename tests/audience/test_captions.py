"""Captions: who may send them, what is taken of them, and what listeners are told."""

import json
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from amphi.audience.captions import choosing, correcting, taking
from amphi.audience.captions.taking import Sentence
from amphi.audience.exceptions import (
    CaptionsOffError,
    InvalidCaptionError,
    NothingOnAirError,
    TooManyCaptionsError,
)
from amphi.audience.models import (
    Airing,
    Caption,
    CaptionFeed,
    CaptionsFrom,
    Event,
    Replay,
    ReplayFor,
    StreamMessage,
)
from amphi.audience.redaction import taken_back
from amphi.audience.replays import editing
from amphi.webinars.models import Livestream
from tests.audience import reels
from tests.audience.hall import hall, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def event(settings) -> Event:
    settings.USE_MEETING_WEBINAR = True
    event = hall(captions_from=CaptionsFrom.OUTSIDE)
    Airing.objects.create(event=event, began_at=timezone.now() - timedelta(minutes=10))
    return event


def take(event: Event, text: str = "Bonjour", *, ago_s: float | None = None, **said: object) -> bool:
    if ago_s is not None:
        said["at"] = timezone.now() - timedelta(seconds=ago_s)
    return taking.take(event, Sentence(text, **said), source=CaptionsFrom.OUTSIDE)


def texts() -> list[str]:
    return list(Caption.objects.values_list("text", flat=True))


# --- what is taken


def test_a_sentence_is_stored_and_told(event):
    assert take(event, "Bonjour  à\ntous")
    row = Caption.objects.get()
    assert told(event, "caption") == [
        {
            "id": str(row.pk),
            "at": row.at.isoformat(),
            "until": row.until.isoformat(),
            "text": "Bonjour à tous",
        }
    ]
    assert (row.until - row.at).total_seconds() == pytest.approx(1.2)


def test_a_sentence_that_grows_keeps_its_place_and_tells_only_what_is_new(event, monkeypatch):
    monkeypatch.setattr(taking, "GROWS_EVERY", timedelta(0))
    long = "un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze"
    assert take(event, "un deux", name="a", is_final=False, ago_s=4)
    began_at = Caption.objects.get().at
    assert take(event, long, name="a", is_final=False)
    assert take(event, f"{long} seize dix-sept", name="a", is_final=False)
    assert texts() == [long, "seize dix-sept"]
    assert Caption.objects.earliest("at").at == began_at
    # The end is another, and shorter: what stood there is taken away.
    assert take(event, "Un, deux.", name="a")
    assert texts() == ["Un, deux."]
    assert [one["text"] for one in told(event, "caption")] == [
        "un deux", long, "seize dix-sept", "Un, deux.", "",
    ]  # fmt: skip
    # Told once more, as after a lost answer: nothing is new.
    assert take(event, "Un, deux.", name="a")
    assert len(told(event, "caption")) == 5


def test_a_sentence_grows_once_a_second_and_ends_at_once(event):
    assert take(event, "un", name="a", is_final=False)
    assert not take(event, "un deux", name="a", is_final=False)
    assert take(event, "un deux trois", name="a")
    assert texts() == ["un deux trois"]


def test_an_end_that_knows_better_when_it_began_is_believed(event):
    take(event, "un", name="a", is_final=False)
    take(event, "un deux", name="a", ago_s=3)
    row = Caption.objects.get()
    assert row.created_at - row.at > timedelta(seconds=2)


def test_what_was_corrected_stays(event):
    take(event, "cent sonnets", name="a")
    Caption.objects.update(text="sans sonnet", is_corrected=True)
    assert not take(event, "cent sonnets", name="a")
    assert texts() == ["sans sonnet"]


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"text": " \u200b "}, InvalidCaptionError),
        ({"text": "x" * 1001}, InvalidCaptionError),
        ({"name": "x" * 101}, InvalidCaptionError),
        ({"ago_s": 301}, InvalidCaptionError),
        ({"ago_s": -10}, InvalidCaptionError),
    ],
)
def test_what_is_no_caption_is_refused(event, said, error):
    with pytest.raises(error):
        take(event, **said)
    assert not Caption.objects.exists()


@pytest.mark.parametrize(
    ("began_s", "ended_s", "said_s", "is_taken"),
    [
        (10, None, 5, True),
        # What was said before the first picture, such as backstage.
        (10, None, 11, False),
        # The end of the live came first.
        (100, 20, 25, True),
        (100, 20, 15, False),
        (200, 80, 90, False),
    ],
)
def test_only_what_listeners_heard_is_taken(event, began_s, ended_s, said_s, is_taken):
    now = timezone.now()
    ended_at = now - timedelta(seconds=ended_s) if ended_s else None
    Airing.objects.update(began_at=now - timedelta(seconds=began_s), ended_at=ended_at)
    if is_taken:
        assert take(event, ago_s=said_s)
    else:
        with pytest.raises(NothingOnAirError):
            take(event, ago_s=said_s)


def test_backstage_says_nothing(event):
    event.is_backstage = True
    with pytest.raises(NothingOnAirError):
        take(event)


@pytest.mark.parametrize("chosen", [one for one in CaptionsFrom if one != CaptionsFrom.OUTSIDE])
def test_only_the_chosen_source_is_heard(event, chosen):
    event.captions_from = chosen
    with pytest.raises(CaptionsOffError):
        take(event)


def test_numbers_are_bounded(event, monkeypatch):
    monkeypatch.setattr(taking, "PER_MINUTE", 3)
    for name in "abc":
        take(event, name=name)
    with pytest.raises(TooManyCaptionsError):
        take(event, name="d")
    # One that is there may still end.
    assert take(event, "Fin", name="c")
    Caption.objects.update(created_at=timezone.now() - timedelta(minutes=2))
    assert take(event, name="d")
    monkeypatch.setattr(taking, "MOST", 4)
    with pytest.raises(TooManyCaptionsError):
        take(event, name="e")


# --- over HTTP


@pytest.fixture
def send(event, client):
    url, token = reverse("live:captions", args=[event.slug]), choosing.make_token(event)

    def post(body: object, key: str = f"Bearer {token}"):
        sent = body if isinstance(body, str) else json.dumps(body)
        return client.post(url, sent, content_type="application/json", headers={"Authorization": key})

    return post


def test_captions_are_sent_with_the_token(event, send):
    now = timezone.now()
    answer = send(
        [
            {"text": "un", "id": "1", "at": now.isoformat(), "until": now.timestamp() + 2},
            {"text": "deux", "at": now.timestamp()},
        ]
    )
    assert (answer.status_code, answer.json()) == (200, {"kept": 2})
    assert send({"text": "trois"}).json() == {"kept": 1}
    assert sorted(texts()) == ["deux", "trois", "un"]
    row = Caption.objects.get(name="1")
    assert (row.until - row.at).total_seconds() == pytest.approx(2, abs=0.01)


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ("{", 422, "invalid"),
        ("[" * 100_000, 422, "invalid"),
        ("[1]", 422, "invalid"),
        ({"txt": "un"}, 422, "invalid"),
        ({"text": 1}, 422, "invalid"),
        ({"text": "un", "id": 1}, 422, "invalid"),
        ({"text": "un", "id": "\ud800"}, 422, "invalid"),
        ({"text": "un", "id": "a\0b"}, 422, "invalid"),
        ({"text": "\ud800"}, 422, "invalid"),
        ({"text": "un", "final": "no"}, 422, "invalid"),
        ({"text": "un", "final": False}, 422, "invalid"),
        ({"text": "un", "at": "2026-11-26T14:00:00"}, 422, "invalid"),
        ({"text": "un", "at": "2026-13-26T14:00:00Z"}, 422, "invalid"),
        ({"text": "un", "at": 1e300}, 422, "invalid"),
        ({"text": "un", "at": True}, 422, "invalid"),
        ({"text": "un", "at": 0}, 422, "invalid"),
        ([{"text": "un"}] * 21, 422, "invalid"),
    ],
)
def test_wrong_bodies_are_told(send, body, status, error):
    answer = send(body)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert not Caption.objects.exists()


def test_sender_is_told_that_nothing_is_live_or_asked_for_or_that_it_is_too_much(event, send, monkeypatch):
    monkeypatch.setattr(taking, "PER_MINUTE", 0)
    answer = send({"text": "un"})
    assert (answer.status_code, answer["Retry-After"], answer.json()["error"]) == (429, "10", "too_many")
    Airing.objects.all().delete()
    assert (send({"text": "un"}).status_code, send({"text": "un"}).json()["error"]) == (409, "not_live")
    Event.objects.update(captions_from=CaptionsFrom.NOBODY)
    assert send({"text": "un"}).json()["error"] == "off"


def test_token_is_of_one_webinar_until_it_is_revoked(event, send, client):
    other = hall(captions_from=CaptionsFrom.OUTSIDE)
    foreign = choosing.make_token(other)
    wrong = ["", "Bearer", "Bearer ", "Bearer x", f"Basic {foreign}", f"Bearer {foreign}"]
    assert {send({"text": "un"}, key).status_code for key in wrong} == {401}
    unknown = client.post("/live/0-nothing/captions", "{}", content_type="application/json")
    assert (unknown.status_code, unknown["WWW-Authenticate"]) == (401, "Bearer")
    assert send({"text": "un"}).status_code == 200
    choosing.revoke_token(event)
    assert send({"text": "un"}).status_code == 401


def test_token_is_kept_as_a_digest(event):
    token = choosing.make_token(event)
    assert token not in CaptionFeed.objects.get(event=event).token_digest
    assert choosing.is_token(event, token)
    assert choosing.make_token(event) != token
    assert not choosing.is_token(event, token)


# --- the options


@pytest.fixture
def options(event, client):
    livestream = Livestream.objects.get(event=event)
    client.force_login(livestream.meeting.owner)

    def address(name: str, *more: str) -> str:
        return reverse(f"webinars:{name}", args=[livestream.meeting.slug, *more])

    return address


def test_presenters_choose_source_and_language(event, options, client):
    saved = client.post(options("change_options", "captions"), {"source": "outside", "language": "de"})
    assert saved.status_code == 302
    event.refresh_from_db()
    assert (event.captions_from, event.captions_language) == ("outside", "de")
    assert told(event, "captions") == [{"language": "de"}]
    client.post(options("change_options", "captions"), {"source": "nobody", "language": "de"})
    assert told(event, "captions")[-1] == {"language": ""}
    for wrong in (
        {"source": "radio", "language": "de"},
        {"source": "", "language": "de"},
        {"source": "nobody", "language": "xx"},
    ):
        assert client.post(options("change_options", "captions"), wrong).status_code == 422


def test_token_is_shown_once(event, options, client):
    page = client.post(options("captions_token"), {"action": "make"})
    token = page.context["captions"]["token"]
    assert (page.status_code, token in page.content.decode()) == (200, True)
    assert choosing.is_token(event, token)
    again = client.get(options("options")).content.decode()
    assert token not in again
    assert "Révoquer le jeton" in again
    client.post(options("captions_token"), {"action": "revoke"})
    assert not choosing.is_token(event, token)
    assert "Révoquer le jeton" not in client.get(options("options")).content.decode()


def test_page_knows_whether_there_are_captions(event, client):
    url = reverse("live:state", args=[event.slug])
    assert client.get(url).json()["captions"] == {"language": "fr"}
    Event.objects.update(captions_from="")
    assert client.get(url).json()["captions"] == {"language": ""}


# --- seen again, and corrected


@pytest.fixture
def replay(event, settings, tmp_path) -> Replay:
    """The replay of ten seconds, with captions before, in and after it."""
    settings.RECORDINGS = tmp_path
    began_at = timezone.now().replace(microsecond=0) - timedelta(minutes=3)
    Airing.objects.update(began_at=began_at, ended_at=None)
    reels.record(tmp_path, event.pk, began_at, [b"chunk"] * 5)
    for second in (1, 4, 9, 12):
        at = began_at + timedelta(seconds=second)
        said = Sentence(f"à {second} s", name=str(second), at=at, until=at + timedelta(seconds=2))
        taking.take(event, said, source=CaptionsFrom.OUTSIDE)
    Airing.objects.update(ended_at=began_at + timedelta(seconds=10))
    Event.objects.update(state="over")
    return Replay.objects.create(airing=Airing.objects.get(), shown_to=ReplayFor.ATTENDEES)


def test_captions_of_a_replay_follow_its_cuts(replay, event, client):
    url = reverse("live:replay_captions", args=[event.slug, replay.pk])
    answer = client.get(url)
    assert answer["Content-Type"] == "text/vtt; charset=utf-8"
    assert answer.content.decode() == (
        "WEBVTT\n\n00:00:01.000 --> 00:00:03.000\nà 1 s\n\n00:00:04.000 --> 00:00:06.000\nà 4 s\n\n"
        "00:00:09.000 --> 00:00:10.000\nà 9 s\n"
    )
    assert (
        client.get(f"{url}?download=1")["Content-Disposition"] == f'attachment; filename="{event.slug}.vtt"'
    )
    Replay.objects.update(start_at=replay.airing.began_at + timedelta(seconds=2))
    assert client.get(url).content.decode().startswith("WEBVTT\n\n00:00:02.000 --> 00:00:04.000\nà 4 s\n")
    page = client.get(reverse("live:replay", args=[event.slug, replay.pk])).content.decode()
    assert f'srclang="fr" src="{url}">' in page
    Replay.objects.update(shown_to=ReplayFor.PRESENTERS)
    assert client.get(url).status_code in {302, 404}
    Caption.objects.all().delete()
    assert (
        "captions-track"
        not in client.get(reverse("live:replay", args=[event.slug, replay.pk])).content.decode()
    )


def test_presenters_correct_captions(replay, event, options, client):
    page = options("captions")
    assert client.get(page).status_code == 200
    first, second, *others = Caption.objects.all()
    typed = {str(first.pk): " À une seconde ", str(second.pk): "", str(others[0].pk): others[0].text}
    url = options("correct_captions", str(replay.airing_id))
    assert client.post(url, typed)["Location"] == options("captions_of", str(replay.airing_id))
    assert texts() == ["À une seconde", "à 9 s", "à 12 s"]
    assert [row.is_corrected for row in Caption.objects.all()] == [True, False, False]
    # What stood there is nowhere any more.
    said = "".join(StreamMessage.objects.filter(kind="caption").values_list("data", flat=True))
    assert ("à 1 s" in said, "à 4 s" in said, "à 9 s" in said) == (False, False, True)
    assert taken_back("caption", json.dumps({"id": "a", "text": ""})) == {"a"}
    downloaded = client.get(options("captions_vtt", str(replay.airing_id))).content.decode()
    assert downloaded.count("-->") == 3
    wrong = client.post(url, {str(first.pk): "x" * 201})
    assert (wrong.status_code, "x" * 201 in wrong.content.decode()) == (422, True)
    assert client.post(url, {"a-b-c-d-e": "x"}).status_code == 404


def test_captions_of_another_webinar_are_not_corrected(replay, options, client):
    other = Airing.objects.create(event=hall(), began_at=timezone.now())
    row = Caption.objects.create(airing=other, name="a", at=other.began_at, until=other.began_at, text="un")
    assert client.post(options("correct_captions", str(other.pk)), {str(row.pk): "x"}).status_code == 404
    client.post(options("correct_captions", str(replay.airing_id)), {str(row.pk): "x"})
    row.refresh_from_db()
    assert row.text == "un"


def test_correction_in_the_live_reaches_listeners(event):
    take(event, "cent sonnets", name="a")
    row = Caption.objects.get()
    assert correcting.correct(row.airing, {row.pk: "sans sonnet"}) == 1
    assert [one["text"] for one in told(event, "caption")] == ["", "", "sans sonnet"]


def test_captions_go_with_their_replay(replay):
    editing.delete(replay)
    assert not Caption.objects.exists()
