"""What the live page shows of questions, polls, reactions and hands, for the one who reads it."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy

from amphi.audience import hands, polls, questions
from amphi.audience.models import ON_AIR, Event, Hand, Question
from amphi.audience.queries import listener_state
from amphi.audience.reactions import REACTIONS
from amphi.audience.rights import moderates_event
from amphi.audience.voice_options import voices_content
from amphi.pages.access import speaker_of

LABELS = {
    "clap": gettext_lazy("Applaud"),
    "heart": gettext_lazy("Love it"),
    "thumb": gettext_lazy("Agree"),
    "laugh": gettext_lazy("Laugh"),
    "wow": gettext_lazy("Be amazed"),
}


def own_question(question: Question) -> dict[str, object]:
    """A question as its author sees it, who also sees that it waits."""
    return {
        "id": str(question.pk),
        "author": "",
        "text": question.text,
        "answer": question.answer,
        "state": question.state,
        "votes": question.votes,
        "at": question.created_at.isoformat(),
        "own": True,
    }


def hand_content(hand: Hand | None) -> dict[str, object] | None:
    """One's own hand."""
    return {"token": hand.token, "state": hand.state, "word": hand.word} if hand else None


def facts(event: Event, viewer: str) -> dict[str, object]:
    """What the page begins with, and asks for anew when the stream broke for long."""
    return {
        **voices_content(event),
        "asked": _asked(event, viewer),
        "polls": _polls(event, viewer),
        "hand": hand_content(hands.of_viewer(event.pk, viewer)),
        "queue": hands.queue_content(event.pk),
        "hand_url": reverse("live:hand", args=[event.slug]),
        "stage_url": reverse("live:stage", args=[event.slug]),
    }


def _asked(event: Event, viewer: str) -> list[dict[str, object]]:
    shown = questions.shown(event)
    voted = questions.voted(viewer, shown)
    names = questions.shows_names(event)
    rows = [
        {
            **questions.content(one, names=names),
            "voted": one.pk in voted,
            "own": bool(viewer) and one.viewer == viewer,
        }
        for one in shown
    ]
    return rows + [own_question(one) for one in questions.waiting_of(event, viewer)] if viewer else rows


def _polls(event: Event, viewer: str) -> list[dict[str, object]]:
    shown = polls.shown(event)
    chosen = polls.chosen(viewer, shown)
    results = polls.results([one for one in shown if one.results_shown])
    return [{**polls.content(one, results.get(one.pk)), "chosen": chosen.get(one.pk, [])} for one in shown]


def template_context(request: HttpRequest, event: Event, facts: dict[str, object]) -> dict[str, object]:
    """What the templates of the live page need besides."""
    state = listener_state(event, timezone.now())
    return {
        "reactions": [(kind, emoji, LABELS[kind]) for kind, emoji in REACTIONS.items()],
        "reactions_on": event.enable_reactions,
        "questions_open": questions.takes_questions(event, timezone.now()),
        "questions_shown": bool(facts["asked"]) or questions.takes_questions(event, timezone.now()),
        "polls_shown": bool(facts["polls"]),
        "may_speak": speaker_of(request, event) is not None,
        # A guest takes a name in the discussion, without the page being loaded again.
        "may_become_guest": event.guests_may_write and not request.user.is_authenticated,
        "is_usher": moderates_event(request.user, event),
        "hand_on": state in ON_AIR and event.enable_hands,
    }
