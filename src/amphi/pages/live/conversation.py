"""What the live page shows of the discussion, for the one who reads it."""

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import pgettext

from amphi.audience import message_reactions
from amphi.audience.models import ChatMode, Event, EventState, Message
from amphi.audience.queries import last_messages, message_content, pin_content
from amphi.audience.reactions import REACTIONS
from amphi.audience.rights import moderates_event
from amphi.pages.access import speaker_of
from amphi.pages.live.viewers import viewer_in
from amphi.pages.live.voices import LABELS


def messages_content(event: Event, viewer: str, *, named: bool) -> list[dict[str, object]]:
    """The last messages with their reactions, and which of those the reader gave."""
    said = last_messages(event)
    ids = [one.pk for one in said]
    sums, given = message_reactions.sums(ids), message_reactions.given(viewer, ids) if viewer else {}
    return [
        {
            **message_content(one, named=named),
            "sums": sums.get(one.pk, {}),
            "given": given.get(one.pk, []),
            **_undelivered(one),
        }
        for one in said
    ]


def _undelivered(message: Message) -> dict[str, object]:
    return {"delivery": message.delivery} if message.delivery == Message.Delivery.FAILED else {}


def facts(request: HttpRequest, event: Event) -> dict[str, object]:
    """What the page begins with, and asks for anew when the stream broke for long."""
    keeps_order = moderates_event(request.user, event)
    viewer = viewer_in(request)
    speaker = speaker_of(request, event)
    return {
        "messages": messages_content(event, viewer, named=keeps_order),
        "pinned": pin_content(event),
        "me": speaker.name if speaker else "",
        "urls": {
            "react": reverse("live:react", args=[event.slug]),
            "moderation": reverse("live:moderation", args=[event.slug]) if keeps_order else "",
        },
    }


def template_context(
    request: HttpRequest, event: Event, facts: dict[str, object], state: object
) -> dict[str, object]:
    """What the templates of the live page need besides."""
    return {
        "chat_messages": facts["messages"],
        "chat_shown": bool(facts["messages"]) or (event.enable_chat and state != EventState.OVER),
        "keeps_order": moderates_event(request.user, event),
        "speaker": speaker_of(request, event),
        "message_reactions": [(kind, emoji, LABELS[kind]) for kind, emoji in REACTIONS.items()],
        "chat_modes": [*ChatMode.choices, ("closed", pgettext("discussion", "Closed"))],
        "chat_mode": event.chat_mode if event.enable_chat else "closed",
        "max_length": settings.CHAT_MESSAGE_MAX_LENGTH,
    }
