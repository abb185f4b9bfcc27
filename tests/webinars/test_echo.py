"""What the gateway typed into the chat for listeners comes back from the meeting, and is not shown again."""

from typing import Any

import pytest

from amphi.audience.models import Message
from amphi.webinars.models import Livestream
from amphi.worker.gateways import streaming_user_id
from tests.webhooks import came, deliver, event, now_ms

pytestmark = pytest.mark.django_db
PUBLIC = "MAIN-PUBLIC-GROUP-CHAT"


def said_2(livestream: Livestream, user_id: str, name: str, text: str) -> dict[str, Any]:
    """As bbb-webhooks 2.6.1 tells it (messageMapping.js): no id, and the name for an external id."""
    sender = {"internal-user-id": user_id, "external-user-id": name, "timezone-offset": 0, "time": now_ms()}
    message = {"message": text, "sender": sender}
    return event(
        livestream.meeting, "chat-group-message-sent", **{"chat-message": message, "chat-id": PUBLIC}
    )


def said_3_3(livestream: Livestream, user_id: str, name: str, text: str) -> dict[str, Any]:
    """As bbb-webhooks 3.0.0 to 3.3.1 tell it (src/process/event.js): no external id."""
    sender = {"internal-user-id": user_id, "name": name, "time": now_ms()}
    message = {"id": f"1-{text}", "message": text, "sender": sender}
    return event(
        livestream.meeting, "chat-group-message-sent", **{"chat-message": message, "chat-id": PUBLIC}
    )


def said_3_4(livestream: Livestream, user_id: str, name: str, text: str) -> dict[str, Any]:
    """As bbb-webhooks 3.4.0 and later tell it."""
    told = said_3_3(livestream, user_id, name, text)
    is_bot = user_id == "w_streaming"
    external_id = streaming_user_id(livestream.meeting) if is_bot else f"guest-{name}"
    told["data"]["attributes"]["chat-message"]["sender"]["external-user-id"] = external_id
    return told


SHAPES = pytest.mark.parametrize("said", [said_2, said_3_3, said_3_4])


def shown(livestream: Livestream) -> list[tuple[str, str]]:
    messages = Message.objects.filter(event=livestream.event)
    return list(messages.order_by("pk").values_list("author_name", "text"))


def bot_came(livestream: Livestream, name: str = "streaming") -> dict[str, Any]:
    external_id = streaming_user_id(livestream.meeting)
    return came(livestream.meeting, name, external_id)


@SHAPES
def test_presenters_are_heard_once_and_the_gateway_not_at_all(client, livestream, said):
    meeting = livestream.meeting
    deliver(client, meeting, came(meeting, "Ada"), bot_came(livestream))
    presenter = said(livestream, "w_Ada", "Ada", "Bonjour &amp; merci")
    deliver(
        client, meeting, said(livestream, "w_streaming", "streaming", "Léa: Quoi ?"), presenter, presenter
    )
    assert shown(livestream) == [("Ada", "Bonjour & merci")]


@pytest.mark.parametrize("said", [said_2, said_3_3])
def test_gateway_under_another_name_is_known_by_its_id(client, livestream, said):
    deliver(client, livestream.meeting, bot_came(livestream, "Diffusion"))
    deliver(client, livestream.meeting, said(livestream, "w_Diffusion", "Diffusion", "Léa: Quoi ?"))
    assert shown(livestream) == []


@pytest.mark.parametrize("said", [said_2, said_3_3])
def test_gateway_whose_coming_was_missed_is_known_by_its_name(client, livestream, said):
    deliver(client, livestream.meeting, said(livestream, "w_1", "streaming", "Léa: Quoi ?"))
    assert shown(livestream) == []


@SHAPES
def test_person_who_has_the_name_of_the_gateway_is_heard(client, livestream, said):
    meeting = livestream.meeting
    person = came(meeting, "streaming")
    person["data"]["attributes"]["user"]["internal-user-id"] = "w_person"
    deliver(client, meeting, bot_came(livestream), person)
    deliver(client, meeting, said(livestream, "w_person", "streaming", "Bonjour"))
    assert shown(livestream) == [("streaming", "Bonjour")]
