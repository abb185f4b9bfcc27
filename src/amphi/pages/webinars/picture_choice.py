"""What the desk offers about the picture."""

from typing import Any

from django.utils.translation import gettext as _

from amphi.pages.webinars.picture_form import HIDDEN, SHOWN
from amphi.webinars.models import Layout, Livestream, State
from amphi.webinars.picture import films_chat, is_chosen_here, is_followed

ICONS = {
    Layout.SLIDES_AND_CAMERAS: "pip",
    Layout.SLIDES: "easel",
    Layout.CAMERAS: "person-video",
}


def picture_choice(livestream: Livestream) -> dict[str, Any]:
    """What there is to choose, which of it is chosen, and a sentence where a choice can't be followed, or not yet."""
    is_open = livestream.meeting.enable_chat
    filmed = films_chat(is_open=is_open, chosen=livestream.chat_filmed, has_hook=livestream.has_hook)
    return {
        "followed": is_followed(livestream),
        "layouts": [
            {
                "value": layout.value,
                "label": layout.label,
                "icon": ICONS[layout],
                "chosen": layout == livestream.layout,
            }
            for layout in Layout
        ],
        "chats": [
            {
                "value": SHOWN,
                "label": _("Add the meeting’s chat"),
                "icon": "chat-dots",
                "offered": is_open and not filmed,
            },
            {
                "value": HIDDEN,
                "label": _("Remove the meeting’s chat"),
                "icon": "chat-dots-fill",
                "offered": is_open and filmed,
            },
        ],
        "note": _note(livestream),
    }


def _note(livestream: Livestream) -> str:
    if not is_chosen_here(livestream):
        return _("This webinar’s gateway does not offer a choice: it shows slides and cameras.")
    if not is_followed(livestream):
        return _("The gateway can’t arrange the picture of this meeting: it shows slides and cameras.")
    if livestream.state != State.LIVE or livestream.layout_shown == livestream.layout:
        return ""
    return {
        Layout.CAMERAS: _("The cameras fill the picture as soon as one is on."),
        Layout.SLIDES: _("The slides fill the picture as soon as there are any."),
    }.get(Layout(livestream.layout), "")
