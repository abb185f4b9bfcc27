"""Parameters of a join URL that give a streaming bot a plain layout, without changing the page.

Source: https://docs.bigbluebutton.org/administration/customize/#passing-custom-parameters-to-the-client-on-join
Let the bot join as VIEWER: a moderator that never leaves would keep the meeting alive. Participants see it in their list, so give it
a clear name.
"""

from amphi.bigbluebutton.server import version_of

# Pop-up notices would be filmed.
_STYLE = ".Toastify{display:none!important}"


def bot_parameters(version: str, *, show_chat: bool, chat_may_come: bool = True) -> dict[str, str]:
    """What to pass as `parameters` of `Server.join_url` for the streaming bot.

    Args:
        version: `Capabilities.version`; empty when unknown: the parameters then suit all versions.
        show_chat: the public chat is part of the picture.
        chat_may_come: the chat may be part of the picture, now or later.
    """
    known = version_of(version)
    parameters = _common(show_chat=show_chat)
    if known is None or known >= (3, 0):
        parameters |= _since_3_0(chat_may_come=show_chat or chat_may_come)
    if known is None or known < (3, 0):
        parameters["userdata-bbb_custom_style"] = _STYLE
    return parameters


def _common(*, show_chat: bool) -> dict[str, str]:
    shown = str(show_chat).lower()
    settings = {
        "auto_join_audio": "true",
        "listen_only_mode": "true",
        "force_listen_only": "true",
        "skip_check_audio": "true",
        "auto_share_webcam": "false",
        # The client shows the chat only together with the list of participants.
        "show_participants_on_login": shown,
        "show_public_chat_on_login": shown,
        "hide_nav_bar": "true",
        "hide_actions_bar": "true",
        "display_branding_area": "false",
        # Gateways read the text of the client's last screens, and a server may force another language on everybody.
        "override_default_locale": "fr",
    }
    return {"excludeFromDashboard": "true"} | {
        f"userdata-bbb_{name}": value for name, value in settings.items()
    }


def _since_3_0(*, chat_may_come: bool) -> dict[str, str]:
    return {
        "bot": "true",
        # MEDIA_ONLY has slides and cameras but no chat; SMART_LAYOUT arranges them in the same way and has room for the chat.
        "enforceLayout": "SMART_LAYOUT" if chat_may_come else "MEDIA_ONLY",
        "userdata-bbb_hide_controls": "true",
        "userdata-bbb_hide_notifications": "true",
        "userdata-bbb_show_session_details_on_join": "false",
        "userdata-bbb_pre_flight": "false",  # since 4.0: no check of microphone and camera before
    }
