"""What pages about meetings say, and what their form is sent."""

import re
from datetime import datetime
from typing import Any

from django.utils import timezone

from tests.factories import in_hours


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def local(at: datetime) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%dT%H:%M")


def form_data(**fields: Any) -> dict[str, Any]:
    return {
        "name": "Cours",
        "description": "",
        "additional_owners": "",
        "start_at": local(in_hours(5)),
        "duration": "90",
        "guest_policy": "ALWAYS_ACCEPT",
    } | fields


def names(response: Any) -> list[str]:
    return [card["meeting"].name for card in response.context["cards"]]
