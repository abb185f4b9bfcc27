import pytest

from amphi.bigbluebutton import Server, bot_parameters

AUDIO = ["bbb_auto_join_audio", "bbb_listen_only_mode", "bbb_force_listen_only", "bbb_skip_check_audio"]


@pytest.mark.parametrize("version", ["2.6.19", "2.7.18", "3.0.4", "4.0-beta", ""])
@pytest.mark.parametrize("show_chat", [True, False])
def test_bot_listens_by_itself_behind_a_clean_view(version, show_chat):
    parameters = bot_parameters(version, show_chat=show_chat)
    assert all(parameters[f"userdata-{name}"] == "true" for name in AUDIO)
    assert parameters["userdata-bbb_hide_nav_bar"] == parameters["userdata-bbb_hide_actions_bar"] == "true"
    assert parameters["userdata-bbb_auto_share_webcam"] == "false"
    assert parameters["userdata-bbb_show_public_chat_on_login"] == str(show_chat).lower()
    assert parameters["userdata-bbb_override_default_locale"] == "fr"
    assert parameters["excludeFromDashboard"] == "true"


@pytest.mark.parametrize("version", ["2.6.19", "2.7.18"])
def test_bot_before_3_0(version):
    parameters = bot_parameters(version, show_chat=False)
    assert "bot" not in parameters
    assert "enforceLayout" not in parameters
    assert "userdata-bbb_custom_style" in parameters


@pytest.mark.parametrize("version", ["3.0.4", "4.0.0-beta.5", ""])
def test_bot_passes_over_the_check_of_devices(version):
    assert bot_parameters(version, show_chat=False)["userdata-bbb_pre_flight"] == "false"


@pytest.mark.parametrize(
    ("show_chat", "chat_may_come", "layout"),
    [
        (False, False, "MEDIA_ONLY"),
        # MEDIA_ONLY never shows a chat.
        (False, True, "SMART_LAYOUT"),
        (True, True, "SMART_LAYOUT"),
        (True, False, "SMART_LAYOUT"),
    ],
)
def test_bot_since_3_0(show_chat, chat_may_come, layout):
    parameters = bot_parameters("3.0.4", show_chat=show_chat, chat_may_come=chat_may_come)
    assert parameters["bot"] == "true"
    assert parameters["enforceLayout"] == layout
    assert parameters["userdata-bbb_hide_notifications"] == "true"


def test_bot_of_an_unknown_version_gets_both():
    assert bot_parameters("", show_chat=False).keys() >= {"bot", "enforceLayout", "userdata-bbb_custom_style"}


def test_bot_parameters_stand_in_the_join_url():
    url = Server("https://b", "s").join_url(
        "m", "streaming", role="VIEWER", parameters=bot_parameters("3.0", show_chat=False)
    )
    assert "&bot=true&" in url
    assert "&role=VIEWER&" in url
