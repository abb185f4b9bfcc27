"""Replays: what is recorded, who sees it, what presenters change, and what a ticket opens."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from amphi.accounts.models import AccessGroup, User
from amphi.audience.claims import Claim
from amphi.audience.models import Airing, Event, Message, Poll, Question, Replay, ReplayFor
from amphi.audience.replays import editing, library, rights, said, timeline
from amphi.audience.replays.editing import Mark
from amphi.webinars import transitions
from amphi.webinars.models import Livestream
from tests.audience import reels
from tests.factories import make_gateway, make_user, make_webinar

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(settings, tmp_path) -> Path:
    settings.USE_MEETING_WEBINAR = True
    settings.RECORDINGS = tmp_path
    return tmp_path


@pytest.fixture
def live(root) -> Livestream:
    owner = make_user("owner")
    return make_webinar(owner, gateway=make_gateway("hall"), name="Cours")


def make_replay(event: Event, root: Path, *, ago_s: float = 60, seconds: int = 10) -> Replay:
    """The replay of an airing that is over, with its recording."""
    began_at = timezone.now().replace(microsecond=0) - timedelta(seconds=ago_s)
    airing = Airing.objects.create(
        event=event, began_at=began_at, ended_at=began_at + timedelta(seconds=seconds)
    )
    reels.record(
        root, event.pk, began_at, [f"chunk {number}".encode() for number in range(seconds // reels.SECONDS)]
    )
    library.begin(airing)
    Event.objects.filter(pk=event.pk).update(state="over")
    return Replay.objects.get(airing=airing)


def count(replay: Replay) -> int:
    return len(library.reel(Replay.objects.get(pk=replay.pk)).chunks)


# --- what is recorded


def on_publish(client: Client, live: Livestream) -> str:
    form = {"name": "hall", "key": "secret", "call": "publish"}
    return client.post(reverse("hooks:on_publish"), form).headers.get("X-Amphi-Keep", "")


@pytest.mark.parametrize("shown_to", ReplayFor)
def test_origin_is_told_to_record_what_may_be_seen_again(client, live, root, settings, shown_to):
    Event.objects.update(replay_for=shown_to)
    assert on_publish(client, live) == ""
    transitions.apply(live, transitions.GO_LIVE, user=live.meeting.owner)
    assert on_publish(client, live) == ("" if shown_to == ReplayFor.NOTHING else "1")
    settings.RECORDINGS = None
    assert on_publish(client, live) == ""


def test_an_airing_has_a_replay_that_is_kept_from_its_end_on(live, root):
    Event.objects.update(replay_for=ReplayFor.ATTENDEES, replay_days=7)
    for trigger in (transitions.GO_LIVE, transitions.MEDIA_SEEN):
        live.refresh_from_db()
        transitions.apply(live, trigger, user=live.meeting.owner)
    replay = Replay.objects.get()
    assert (replay.shown_to, replay.days, replay.delete_at) == (ReplayFor.ATTENDEES, 7, None)
    live.refresh_from_db()
    transitions.apply(live, transitions.STOP, user=live.meeting.owner)
    replay.refresh_from_db()
    assert replay.delete_at == replay.airing.ended_at + timedelta(days=7)


def test_nothing_of_before_and_after_the_airing_is_shown(live, root):
    replay = make_replay(live.event, root)
    airing = replay.airing
    assert count(replay) == 5
    # Presenters were backstage until then, and stayed after the end.
    Airing.objects.filter(pk=airing.pk).update(
        began_at=airing.began_at + timedelta(seconds=3), ended_at=airing.began_at + timedelta(seconds=9)
    )
    assert count(replay) == 2


def test_a_live_that_runs_can_be_seen_from_its_start(client, live, root):
    replay = make_replay(live.event, root)
    Airing.objects.update(ended_at=None)
    Replay.objects.update(shown_to=ReplayFor.ATTENDEES, delete_at=None)
    Event.objects.update(state="live", replay_for=ReplayFor.ATTENDEES)
    # Without the newest chunk, which is being written.
    assert count(replay) == 4
    reel = library.reel(Replay.objects.get())
    assert b"EVENT" in reel.playlist
    assert b"ENDLIST" not in reel.playlist
    page = client.get(live.event.get_absolute_url()).content.decode()
    leads = reverse("live:latest_replay", args=[live.event.slug])
    assert f'href="{leads}"' in page
    shown = client.get(leads, follow=True).content.decode()
    assert f'href="{live.event.get_absolute_url()}"' in shown
    # What came since is read on.
    folder = library.folders_of(replay.airing)[0]
    more = {"chunk": "abcdefgh.m4s", "init": "i", "at": round(reel.chunks[-1].end_ms + 2000), "gap": False}
    with (folder / "index").open("a") as index:
        index.write(f"{json.dumps(more)}\n" + '{"ticks":180000,"bytes":1}\n')
    assert count(replay) == 5


# --- who sees it

PEOPLE = ("anonymous", "stranger", "member", "owner")
WHO_SEES: dict[tuple[str, bool], tuple[int, int, int, int]] = {
    # For whom, and whether the live was restricted: what each gets.
    (ReplayFor.PRESENTERS, False): (302, 404, 404, 200),
    (ReplayFor.PRESENTERS, True): (302, 404, 404, 200),
    (ReplayFor.ATTENDEES, False): (200, 200, 200, 200),
    (ReplayFor.ATTENDEES, True): (302, 403, 200, 200),
    (ReplayFor.PUBLIC, False): (200, 200, 200, 200),
    (ReplayFor.PUBLIC, True): (200, 200, 200, 200),
}


@pytest.mark.parametrize(("shown_to", "is_restricted"), WHO_SEES)
def test_who_sees_a_replay_and_what_their_tickets_open(live, root, shown_to, is_restricted):
    event = live.event
    replay = make_replay(event, root)
    group = AccessGroup.objects.create(code_name="group", display_name="Group")
    event.is_restricted = is_restricted
    event.save()
    event.access_groups.set([group])
    Replay.objects.update(shown_to=shown_to)
    make_user("stranger")
    make_user("member").access_groups.add(group)
    url = reverse("live:replay", args=[event.slug, replay.pk])
    for person, status in zip(PEOPLE, WHO_SEES[shown_to, is_restricted], strict=True):
        client = Client()
        viewer = "a1"
        if person != "anonymous":
            user = live.meeting.owner if person == "owner" else User.objects.get(username=person)
            client.force_login(user)
            viewer = f"u{user.pk}"
        answered = client.get(url)
        assert answered.status_code == status, person
        claim = Claim(event.pk, viewer, "", replay.pk)
        assert (rights.refused([claim]) == set()) == (status == 200), person
        if status == 200:
            said_then = client.get(reverse("live:replay_said", args=[event.slug, replay.pk]))
            assert said_then.status_code == 200


@pytest.mark.parametrize("change", ["gone", "draft", "deleted", "another event"])
def test_tickets_end_with_the_replay(live, root, change):
    replay = make_replay(live.event, root)
    Replay.objects.update(shown_to=ReplayFor.PUBLIC)
    claim = Claim(live.event_id, "a1", "", replay.pk)
    assert rights.refused([claim]) == set()
    if change == "gone":
        Replay.objects.update(delete_at=timezone.now() - timedelta(seconds=1))
    elif change == "draft":
        Event.objects.update(is_draft=True)
    elif change == "deleted":
        editing.delete(replay)
    else:
        claim = claim._replace(event_id=live.event_id + 1)
    assert rights.refused([claim]) == {claim}


def test_password_of_the_live_is_asked_of_those_who_could_attend(client, live, root):
    replay = make_replay(live.event, root)
    Replay.objects.update(shown_to=ReplayFor.ATTENDEES)
    Event.objects.update(password="sésame")
    answered = client.get(reverse("live:replay", args=[live.event.slug, replay.pk]))
    assert answered.headers["Location"] == reverse("live:door", args=[live.event.slug])


# --- pages


def test_live_page_leads_to_the_replay_once_it_is_over(client, live, root):
    replay = make_replay(live.event, root)
    page = reverse("live:event", args=[live.event.slug])
    assert client.get(page).status_code == 200
    Replay.objects.update(shown_to=ReplayFor.ATTENDEES)
    target = reverse("live:replay", args=[live.event.slug, replay.pk])
    assert client.get(page).headers["Location"] == target
    latest = reverse("live:latest_replay", args=[live.event.slug])
    assert client.get(latest).headers["Location"] == target
    assert client.get(latest + "?t=95&next=//evil.example").headers["Location"] == target + "?t=95"


def test_what_was_said_has_its_place(live, root):
    event = live.event
    replay = make_replay(event, root)
    began_at = replay.airing.began_at

    def moment(seconds: float) -> datetime:
        return began_at + timedelta(seconds=seconds)

    for seconds, visibility in ((-5, "shown"), (1, "shown"), (5, "hidden"), (7, "shown"), (99, "shown")):
        row = Message.objects.create(
            event=event, source="listener", author_name="Léa", text=f"à {seconds} s", visibility=visibility
        )
        Message.objects.filter(pk=row.pk).update(created_at=moment(seconds))
    question = Question.objects.create(event=event, author_name="Léa", text="Pourquoi ?")
    Question.objects.filter(pk=question.pk).update(created_at=moment(3), answered_at=moment(6))
    Poll.objects.create(event=event, question="Oui ?", state="closed", opened_at=moment(8))
    editing.set_chapters(replay, [Mark(moment(4), "Deux"), Mark(moment(2), "Un")])
    spans = timeline.spans(library.reel(replay).chunks)
    found = said.all_of(replay, spans)
    assert [(one["text"], one["place"]) for one in found["messages"]] == [("à 1 s", 1), ("à 7 s", 7)]
    assert [(one["text"], one["place"], one["answered"]) for one in found["questions"]] == [
        ("Pourquoi ?", 3, pytest.approx(6, abs=0.1))
    ]
    assert [(one["question"], one["place"]) for one in found["polls"]] == [("Oui ?", 8)]
    assert [(one["title"], one["place"]) for one in said.chapters(replay, spans)] == [("Un", 2), ("Deux", 4)]
    Event.objects.update(conversation_stays=False)
    assert not any(said.all_of(Replay.objects.get(), spans).values())


def test_chapters_are_cues_whose_text_is_no_markup(client, live, root):
    replay = make_replay(live.event, root)
    Replay.objects.update(shown_to=ReplayFor.PUBLIC)
    began_at = replay.airing.began_at
    editing.set_chapters(
        replay, [Mark(began_at, "<b>A & B\n\n--> x"), Mark(began_at + timedelta(seconds=4), "C")]
    )
    text = client.get(reverse("live:replay_chapters", args=[live.event.slug, replay.pk])).content.decode()
    assert text == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:04.000\n&lt;b&gt;A &amp; B --&gt; x\n"
        "\n00:00:04.000 --> 00:00:10.000\nC\n"
    )


# --- what presenters do


@pytest.fixture
def presenter(client, live) -> Client:
    client.force_login(live.meeting.owner)
    return client


def post(client: Client, live: Livestream, replay: Replay, part: str, **fields: object):
    return client.post(reverse("webinars:change_replay", args=[live.meeting.slug, replay.pk, part]), fields)


def clock(at: datetime) -> str:
    return timezone.localtime(at).strftime("%H:%M:%S")


def test_presenters_choose_who_and_for_how_long(presenter, live, root, settings):
    replay = make_replay(live.event, root)
    assert post(presenter, live, replay, "shown", shown_to="public", days=3).status_code == 302
    replay.refresh_from_db()
    assert replay.shown_to == "public"
    assert replay.delete_at == replay.airing.ended_at + timedelta(days=3)
    settings.RECORDINGS_DAYS = 10
    refused = post(presenter, live, replay, "shown", shown_to="public", days=11)
    assert refused.status_code == 422
    assert 'value="11"' in refused.content.decode()


def test_presenters_cut_the_beginning_and_the_end(presenter, live, root):
    replay = make_replay(live.event, root)
    began_at = replay.airing.began_at
    start, end = (clock(began_at + timedelta(seconds=seconds)) for seconds in (3, 9))
    assert post(presenter, live, replay, "trim", start=start, end=end).status_code == 302
    assert count(replay) == 2
    nothing = post(presenter, live, replay, "trim", start=end, end=start)
    assert nothing.status_code == 422
    assert count(replay) == 2
    outside = post(presenter, live, replay, "trim", start="", end=clock(began_at + timedelta(hours=2)))
    assert outside.status_code == 422
    assert post(presenter, live, replay, "trim", start="", end="").status_code == 302
    assert count(replay) == 5


def test_presenters_name_chapters(presenter, live, root):
    replay = make_replay(live.event, root)
    at = clock(replay.airing.began_at + timedelta(seconds=4))
    form = {
        "chapter-TOTAL_FORMS": 3,
        "chapter-INITIAL_FORMS": 0,
        "chapter-0-at": at,
        "chapter-0-title": "  Les  rayons ",
        "chapter-1-at": at,
        "chapter-1-title": "",
        "chapter-2-at": "",
        "chapter-2-title": "",
    }
    assert post(presenter, live, replay, "chapters", **form).status_code == 302
    assert [one.title for one in replay.chapters.all()] == ["Les rayons"]
    twice = form | {"chapter-1-title": "Encore"}
    assert post(presenter, live, replay, "chapters", **twice).status_code == 422
    without_time = form | {"chapter-2-title": "Sans heure"}
    refused = post(presenter, live, replay, "chapters", **without_time)
    assert refused.status_code == 422
    assert "Sans heure" in refused.content.decode()
    assert [one.title for one in replay.chapters.all()] == ["Les rayons"]


def test_presenters_delete_a_replay_and_its_files(presenter, live, root):
    replay = make_replay(live.event, root)
    folder = library.folders_of(replay.airing)[0]
    presenter.post(reverse("webinars:delete_replay", args=[live.meeting.slug, replay.pk]))
    assert not Replay.objects.exists()
    assert not folder.exists()


def test_options_hold_for_lives_to_come(presenter, live, root):
    url = reverse("webinars:change_options", args=[live.meeting.slug, "replay"])
    assert presenter.post(url, {"replay_for": "public", "replay_days": 9}).status_code == 302
    event = Event.objects.get()
    assert (event.replay_for, event.replay_days) == ("public", 9)


def test_options_say_nothing_of_replays_where_nothing_is_recorded(presenter, live, settings):
    settings.RECORDINGS = None
    page = presenter.get(reverse("webinars:options", args=[live.meeting.slug])).content.decode()
    assert 'id="replay"' not in page
    url = reverse("webinars:change_options", args=[live.meeting.slug, "replay"])
    assert presenter.post(url, {"replay_for": "public", "replay_days": 9}).status_code == 404
