"""The answer to a deep linking request (LTI Deep Linking 2.0, section 4): the activity that the platform makes of a webinar."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse

from amphi.lti import tool_keys
from amphi.lti.exceptions import NotAllowedError
from amphi.lti.grading import MAXIMUM
from amphi.lti.launching import LINK_PARAMETER
from amphi.lti.messages import CLAIM, DEEP_LINKING, VERSION
from amphi.lti.models import Launch, Link


def answer(launch: Launch, link: Link, *, is_graded: bool = False) -> tuple[str, str]:
    """Where the answer goes, and the signed answer.

    Args:
        launch: the request.
        link: the webinar that was chosen.
        is_graded: whether the activity gets a column of grades.

    Raises:
        NotAllowedError: the request named no address to return to.
    """
    asked = launch.deep_linking or {}
    back = asked.get("deep_link_return_url")
    if (
        not isinstance(back, str)
        or urlsplit(back).scheme not in {"http", "https"}
        or not urlsplit(back).netloc
    ):
        raise NotAllowedError("no address to return to")
    claims: dict[str, Any] = {
        "iss": launch.platform.client_id,
        "aud": launch.platform.issuer,
        CLAIM + "deployment_id": launch.deployment_id,
        CLAIM + "message_type": "LtiDeepLinkingResponse",
        CLAIM + "version": VERSION,
        DEEP_LINKING + "content_items": [_item(link, is_graded=is_graded)],
    }
    if "data" in asked:
        # Section 4.4.5: it must come back as it was.
        claims[DEEP_LINKING + "data"] = asked["data"]
    return back, tool_keys.signed(claims)


def _item(link: Link, *, is_graded: bool) -> dict[str, Any]:
    meeting = link.meeting
    item: dict[str, Any] = {
        "type": "ltiResourceLink",
        "title": meeting.name,
        "text": meeting.description[:1000],
        "url": settings.AMPHI_URL + reverse("lti:launch"),
        "custom": {LINK_PARAMETER: str(link.pk)},
    }
    if is_graded:
        item["lineItem"] = {"scoreMaximum": MAXIMUM, "label": meeting.name, "resourceId": str(link.pk)}
    return item
