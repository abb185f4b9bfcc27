"""A webinar in full swing: people, hands, a poll, messages that did not reach the meeting, a recording."""

from datetime import timedelta

from django.utils import timezone

from amphi.audience.models import Airing, AiringMinute, Message, Presence
from amphi.meetings.models import Meeting
from amphi.webinars.models import Livestream, Poll, PollResponse, RaisedHand, Recording
from tests.factories import make_user

SESSION = "life-1"


def raise_hand(livestream: Livestream, name: str) -> None:
    """Somebody's hand goes up."""
    now = timezone.now()
    RaisedHand.objects.create(
        livestream=livestream,
        session_id=SESSION,
        user_id=f"w_{name}",
        name=name,
        is_raised=True,
        changed_at=now,
        written_at=now,
    )


def bustle(livestream: Livestream) -> None:
    """Have all of it happen in a livestream that is on air."""
    now = timezone.now()
    Livestream.objects.filter(pk=livestream.pk).update(
        session_id=SESSION,
        participants=4,
        participants_seen_at=now + timedelta(hours=1),
        has_hook=True,
        start_asked_at=now - timedelta(minutes=20),
    )
    raise_hand(livestream, "Ada Lovelace")
    raise_hand(livestream, "Ève du Pont")
    poll = Poll.objects.create(
        livestream=livestream,
        session_id=SESSION,
        poll_id="p/1",
        question="La radioactivité est-elle naturelle ?",
        started_at=now,
    )
    for number in range(14):
        PollResponse.objects.create(poll=poll, key=str(number), at=now)
    said = [
        ("Zoé Martin", "Peut-on mesurer la dose chez soi ?", Message.Delivery.FAILED),
        ("Noé Durand", "Et pour le radon ? " * 12, Message.Delivery.FAILED),
        ("Lou Petit", "Merci !", Message.Delivery.WAITING),
        ("Max Roy", "Bravo", Message.Delivery.WAITING),
    ]
    for author, text, delivery in said:
        Message.objects.create(
            event=livestream.event,
            source=Message.Source.LISTENER,
            author_name=author,
            text=text,
            delivery=delivery,
            delivery_error="gateway_not_in_meeting",
        )
    record(livestream.meeting)


def record(meeting: Meeting) -> None:
    """A recording of a meeting can be watched."""
    now = timezone.now()
    url = "https://bbb.example.org/playback/presentation/2.3/r-1"
    Recording.objects.create(
        meeting=meeting,
        record_id="r-1",
        started_at=now - timedelta(days=7),
        look_at=now,
        formats=[
            {"kind": "presentation", "url": url, "minutes": 92},
            {"kind": "video", "url": url + "/video", "minutes": 92},
        ],
    )


def listen(livestream: Livestream) -> None:
    """Have people listen to two sessions of a webinar: some with an account, many without."""
    people = [make_user(first_name=name, last_name="Bernard") for name in ("Hugo", "Léa", "Zoé")]
    for days, minutes in ((7, 20), (0, 95)):
        began_at = timezone.now() - timedelta(days=days, hours=2)
        airing = Airing.objects.create(
            event=livestream.event, began_at=began_at, ended_at=began_at + timedelta(minutes=minutes)
        )
        first = int(began_at.timestamp() // 60)
        AiringMinute.objects.bulk_create(
            AiringMinute(
                airing=airing,
                minute=first + minute,
                listeners=round(840 * min(1, (minute + 1) / 12) * (0.9 if minute > 50 else 1) + minute % 7),
            )
            for minute in range(minutes)
        )
        Presence.objects.bulk_create(
            Presence(
                airing=airing,
                viewer=viewer,
                minutes=minutes - 4 * number,
                first_minute=first + 3 * number,
                last_minute=first + minutes - number,
            )
            for number, viewer in enumerate([*(f"u{user.pk}" for user in people), "a1", "a2"])
        )
