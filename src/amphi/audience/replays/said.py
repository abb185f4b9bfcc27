"""What was said, asked and voted during an airing, each with its place in the replay."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from amphi.audience import polls, questions
from amphi.audience.models import Chapter, Message, Replay, Visibility
from amphi.audience.queries import message_content
from amphi.audience.replays.timeline import Span, media_s

MOST_MESSAGES = 5000
"""Of one replay; the first ones are shown."""

Content = dict[str, object]
Row = TypeVar("Row")


def _placed(
    rows: Iterable[Row],
    at: Callable[[Row], datetime | None],
    content: Callable[[Row], Content],
    spans: Sequence[Span],
) -> list[Content]:
    """The rows that fall into the replay, with where they do, in seconds."""
    found = []
    for row in rows:
        moment = at(row)
        place = media_s(spans, moment) if moment is not None else None
        if place is not None and moment is not None and moment.timestamp() * 1000 >= spans[0].wall_ms:
            found.append({**content(row), "place": round(place, 1)})
    return found


def chapters(replay: Replay, spans: Sequence[Span]) -> list[Content]:
    """The chapters that are in the replay."""

    def content(row: Chapter) -> Content:
        return {"title": row.title}

    return _placed(replay.chapters.all(), lambda row: row.at, content, spans)


def all_of(replay: Replay, spans: Sequence[Span]) -> Content:
    """The discussion, the questions and the polls as listeners saw them; nothing where the conversation does not stay."""
    event = replay.airing.event
    if not event.conversation_stays or not spans:
        return {"messages": [], "questions": [], "polls": []}
    return {
        "messages": _messages(replay, spans),
        "questions": _questions(replay, spans),
        "polls": _placed(polls.shown(event), lambda row: row.opened_at, polls.content, spans),
    }


def _messages(replay: Replay, spans: Sequence[Span]) -> list[Content]:
    event = replay.airing.event
    during = event.messages.filter(created_at__gte=replay.airing.began_at, visibility=Visibility.SHOWN)
    if replay.airing.ended_at is not None:
        during = during.filter(created_at__lte=replay.airing.ended_at)
    rows = list(during.select_related("reply_to").order_by("created_at", "pk")[:MOST_MESSAGES])
    for row in rows:
        # They are of this one, whose columns needn't be read again.
        row.event = event
        if row.reply_to is not None:
            row.reply_to.event = event

    def content(row: Message) -> Content:
        return message_content(row)

    return _placed(rows, lambda row: row.created_at, content, spans)


def _questions(replay: Replay, spans: Sequence[Span]) -> list[Content]:
    event = replay.airing.event
    names = questions.shows_names(event)
    rows = questions.shown(event)
    asked = _placed(rows, lambda row: row.created_at, lambda row: questions.content(row, names=names), spans)
    answered = {str(row.pk): media_s(spans, row.answered_at) for row in rows if row.answered_at}
    for one in asked:
        one["answered"] = answered.get(str(one["id"]))
    return sorted(asked, key=lambda one: float(str(one["place"])))
