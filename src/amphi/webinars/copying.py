"""What a copy of a webinar takes over besides the fields of its form: how its event was set up, not who came and what was said."""

from amphi.audience.models import CaptionFeed, CaptionsFrom, Event, Poster, RegistrationRules
from amphi.meetings.models import Meeting
from amphi.webinars.models import Livestream

COPIED = (
    "speakers",
    "poster_mark",
    "needs_registration",
    "enable_questions",
    "questions_anonymous",
    "questions_approved",
    "enable_reactions",
    "enable_hands",
    "stage_places",
    "chat_mode",
    "slow_s",
    "guests_may_write",
    "names_hidden",
    "held_words",
    "to_meeting",
    "to_meeting_votes",
    "after_text",
    "survey_url",
    "conversation_stays",
    "captions_from",
    "captions_language",
    "replay_for",
    "replay_days",
    "attendance_pseudonyms",
)
"""Columns of an event."""


def copy_setup(source: Meeting, copy: Meeting) -> None:
    """Set up the webinar `copy` as `source` is, in the transaction that makes it. A no-op where either is no webinar.

    It starts backstage like its model, unless its live server would not hide the picture.
    """
    found = {
        row.meeting_id: row
        for row in Livestream.objects.filter(meeting__in=[source, copy]).select_related("event__broadcaster")
    }
    if len(found) < 2:  # noqa: PLR2004 -- both
        return
    old, new = found[source.pk], found[copy.pk]
    Event.objects.filter(pk=new.event_id).update(**{name: getattr(old.event, name) for name in COPIED})
    new.event.moderators.set(old.event.moderators.all())
    _copy_row(RegistrationRules.objects.filter(event=old.event).first(), new.event)
    _copy_row(Poster.objects.filter(event=old.event).first(), new.event)
    if old.event.captions_from == CaptionsFrom.ENGINE:
        CaptionFeed.objects.get_or_create(event=new.event)
    if old.starts_backstage and new.event.broadcaster.has_tickets:
        Livestream.objects.filter(pk=new.pk).update(starts_backstage=True)
    Livestream.objects.filter(pk=new.pk).update(layout=old.layout, chat_filmed=old.chat_filmed)


def remember(source: Meeting, copy: Meeting) -> None:
    """Note that `copy`, which found no gateway, is to be set up as `source` once it has one."""
    copy.copied_from = source
    copy.save(update_fields=["copied_from"])


def make_up_for(copy: Meeting) -> None:
    """Set up a webinar that has its first gateway as the one that it is a copy of, if it is one and that one is still there."""
    if copy.copied_from is None:
        return
    copy_setup(copy.copied_from, copy)
    copy.copied_from = None
    copy.save(update_fields=["copied_from"])


def _copy_row(row: RegistrationRules | Poster | None, event: Event) -> None:
    if row is None:
        return
    row.pk, row.event = None, event
    row._state.adding = True  # noqa: SLF001 -- Django's way to copy a row
    row.save(force_insert=True)
