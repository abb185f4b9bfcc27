"""Recordings on the pages of meetings."""

from django import template

from amphi.meetings.models import Meeting
from amphi.pages.webinars.recordings import ShownRecording, shown

register = template.Library()


@register.simple_tag
def recordings_of(meeting: Meeting) -> list[ShownRecording]:
    """The recordings of `meeting` that can be watched. Use it only on moderators' pages."""
    return shown(meeting)
