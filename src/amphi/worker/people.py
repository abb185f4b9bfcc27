"""Who is in a meeting, as the meeting server says: the truth that what webhooks told is held against."""

from collections import Counter

from amphi.bigbluebutton import MeetingInfo
from amphi.system.typed import clean_line
from amphi.webinars.models import RaisedHand
from amphi.worker.check import Check
from amphi.worker.gateways import streaming_user_id


def note_people(check: Check, info: MeetingInfo) -> None:
    """Note how many are in the meeting, the streaming user left out, and lower the hands of those who are not."""
    livestream = check.livestream
    streaming = streaming_user_id(livestream.meeting)
    # The list is counted where there is one: whether bots are in BBB's own count is a matter of its version.
    people = sum(1 for one in info.attendees if one.user_id != streaming)
    check.note(
        participants=people if info.attendees else info.participant_count,
        participants_seen_at=check.now,
        session_id=info.internal_id[:256],
    )
    lists_people = bool(info.attendees) or info.participant_count == 0
    if lists_people and livestream.has_hook:
        _verify_hands(check, info)


def _verify_hands(check: Check, info: MeetingInfo) -> None:
    hands = RaisedHand.objects.filter(
        livestream=check.livestream, session_id=info.internal_id, is_raised=True, noted_at__lt=check.now
    ).exclude(external_user_id="")
    present = Counter(one.user_id for one in info.attendees)
    names = {one.user_id: clean_line(one.full_name)[:255] for one in info.attendees}
    for hand in hands:
        if hand.external_user_id not in present:
            RaisedHand.objects.filter(pk=hand.pk, noted_at=hand.noted_at).update(is_raised=False)
        elif not hand.name and present[hand.external_user_id] == 1:
            RaisedHand.objects.filter(pk=hand.pk).update(name=names[hand.external_user_id])
