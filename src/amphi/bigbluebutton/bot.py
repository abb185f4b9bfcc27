"""Parameters of a join URL that give a streaming bot a clean view, without touching the page.

Source: https://docs.bigbluebutton.org/administration/customize/#passing-custom-parameters-to-the-client-on-join
Join it as VIEWER: a moderator that never leaves would keep the meeting alive. It stays in the list of participants, so name it
plainly.
"""

from amphi.bigbluebutton.server import version_of

# Notices that come and go have no place in a picture for thousands.
_STYLE = ".Toastify{display:none!important}"

_SINCE_3_0 = {
    "bot": "true",
    # As MEDIA_ONLY places the slides and the cameras, but with room for the chat, which may be asked for later.
    "enforceLayout": "SMART_LAYOUT",
    "userdata-bbb_hide_controls": "true",
    "userdata-bbb_hide_notifications": "true",
    "userdata-bbb_show_session_details_on_join": "false",
}


def bot_parameters(version: str, *, show_chat: bool) -> dict[str, str]:
    """What to pass as `parameters` of `Server.join_url` for the streaming bot.

    Args:
        version: the server's, as `Capabilities.version` has it; when unknown, what either generation understands.
        show_chat: the public chat is part of the picture.
    """
    known = version_of(version)
    parameters = _common(show_chat=show_chat)
    if known is None or known >= (3, 0):
        parameters |= _SINCE_3_0
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
        # The client opens the chat only next to the list of participants.
        "show_participants_on_login": shown,
        "show_public_chat_on_login": shown,
        "hide_nav_bar": "true",
        "hide_actions_bar": "true",
        "display_branding_area": "false",
    }
    return {"excludeFromDashboard": "true"} | {
        f"userdata-bbb_{name}": value for name, value in settings.items()
    }
