"""Who is in a meeting, by the meeting server's answer. It corrects what webhooks reported."""

from collections import Counter
from datetime import datetime

from amphi.bigbluebutton import MeetingInfo
from amphi.meetings.models import Meeting
from amphi.system.typed import clean_line
from amphi.webinars.models import Livestream, RaisedHand
from amphi.worker.gateways import streaming_user_ids


def columns(meeting: Meeting, info: MeetingInfo, now: datetime) -> dict[str, object]:
    """The columns of a livestream about its meeting: the session, and how many people are there without the streaming user."""
    streaming = streaming_user_ids(meeting)
    # Count the list if there is one: whether BBB's own number includes bots depends on its version.
    people = sum(1 for one in info.attendees if one.user_id not in streaming)
    return {
        "participants": people if info.attendees else info.participant_count,
        "participants_seen_at": now,
        "session_id": info.internal_id[:256],
    }


def lower_hands(livestream: Livestream, info: MeetingInfo, now: datetime) -> None:
    """Lower the hands of people who left the meeting, and add names to the others."""
    hands = RaisedHand.objects.filter(
        livestream=livestream, session_id=info.internal_id, is_raised=True, written_at__lt=now
    ).exclude(external_user_id="")
    present = Counter(one.user_id for one in info.attendees)
    names = {one.user_id: clean_line(one.full_name)[:255] for one in info.attendees}
    for hand in hands:
        if hand.external_user_id not in present:
            RaisedHand.objects.filter(pk=hand.pk, written_at=hand.written_at).update(is_raised=False)
        elif not hand.name and present[hand.external_user_id] == 1:
            RaisedHand.objects.filter(pk=hand.pk).update(name=names[hand.external_user_id])
