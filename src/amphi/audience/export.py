"""What was said, asked and voted in an event, as tables: for those who present, who see every name."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from django.utils import timezone
from django.utils.translation import gettext as _

from amphi.audience import polls
from amphi.audience.models import Event
from amphi.system import spreadsheets

MOST_ROWS = 50_000

Cell = str | int | bool | None


class Table(NamedTuple):
    """Rows by the names of their columns; `titles` are those of a spreadsheet."""

    titles: Mapping[str, str]
    rows: list[dict[str, Cell]]

    def as_csv(self) -> str:
        """For spreadsheets."""
        return spreadsheets.as_csv(
            list(self.titles.values()),
            ([_cell(row[name]) for name in self.titles] for row in self.rows),
        )


def _cell(value: Cell) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return "" if value is None else str(value)


def _moment(at: datetime | None) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S") if at else ""


def _chat(event: Event) -> Table:
    titles = {
        "at": _("Time"),
        "author": _("Name"),
        "account": _("Account"),
        "source": _("From"),
        "role": _("Role"),
        "text": _("Text"),
        "visibility": _("Visibility"),
    }
    rows: list[dict[str, Cell]] = [
        {
            "at": _moment(one.created_at),
            "author": one.author_name,
            "account": one.author.get_username() if one.author else "",
            "source": str(one.source),
            "role": str(one.role),
            "text": one.text,
            "visibility": str(one.visibility),
        }
        for one in event.messages.exclude(source="question")
        .select_related("author")
        .order_by("created_at", "pk")[:MOST_ROWS]
    ]
    return Table(titles, rows)


def _questions(event: Event) -> Table:
    titles = {
        "at": _("Time"),
        "author": _("Name"),
        "account": _("Account"),
        "anonymous": _("Anonymous"),
        "text": _("Question"),
        "votes": _("Votes"),
        "state": _("State"),
        "answer": _("Answer"),
        "answered_at": _("Answered at"),
    }
    rows: list[dict[str, Cell]] = [
        {
            "at": _moment(one.created_at),
            "author": one.author_name,
            "account": one.author.get_username() if one.author else "",
            "anonymous": one.is_anonymous,
            "text": one.text,
            "votes": one.votes,
            "state": str(one.state),
            "answer": one.answer,
            "answered_at": _moment(one.answered_at),
        }
        for one in event.questions.select_related("author").order_by("created_at", "pk")[:MOST_ROWS]
    ]
    return Table(titles, rows)


def _polls(event: Event) -> Table:
    titles = {
        "at": _("Time"),
        "question": _("Question"),
        "choice": _("Choice"),
        "votes": _("Votes"),
        "voters": _("Voters"),
        "state": _("State"),
    }
    rows: list[dict[str, Cell]] = []
    made = list(event.polls.prefetch_related("choices").order_by("created_at", "pk"))
    results = polls.results(made)
    for poll in made:
        counts, voters = results[poll.pk]
        rows += [
            {
                "at": _moment(poll.opened_at or poll.created_at),
                "question": poll.question,
                "choice": choice.text,
                "votes": count,
                "voters": voters,
                "state": str(poll.state),
            }
            for choice, count in zip(poll.choices.all(), counts, strict=True)
        ]
    return Table(titles, rows)


TABLES: Mapping[str, Callable[[Event], Table]] = {"chat": _chat, "questions": _questions, "polls": _polls}
