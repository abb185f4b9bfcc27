"""Settings that can't work together say so, and what to do."""

import pytest

from amphi.webinars.checks import check_settings

SOUND = {
    "AMPHI_URL": "https://amphi.univ.fr",
    "USE_MEETING_WEBINAR": True,
    "BBB_API_URL": "https://bbb.univ.fr/bigbluebutton",
    "BBB_SECRET_KEY": "secret",
    "BBB_CA_FILE": "",
    "MEETING_WEBINAR_SIPMEDIAGW_URL": "https://sipmediagw.univ.fr",
    "MEETING_WEBINAR_SIPMEDIAGW_TOKEN": "token",
    "MEETING_WEBINAR_FIELDS": ("is_webinar", "enable_chat"),
    "AMPHI_TICKET_KEY": "k" * 32,
    "AMPHI_INSECURE_KEY": False,
    "DEBUG": False,
    "DATABASES": {"default": {"ENGINE": "django.db.backends.postgresql"}},
}


@pytest.fixture(autouse=True)
def sound(settings, monkeypatch):
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    for name, value in SOUND.items():
        if name == "DATABASES":
            # Django warns of a change of this one, which no connection here would notice.
            monkeypatch.setitem(
                settings.DATABASES, "default", {**settings.DATABASES["default"], **value["default"]}
            )
        else:
            setattr(settings, name, value)


def found(settings, monkeypatch, **changed) -> set[str]:
    for name, value in changed.items():
        setattr(settings, name, value)
    messages = check_settings()
    assert all(message.hint for message in messages)
    english = [message.msg for message in messages]
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")
    assert all(message.msg not in english for message in check_settings())
    return {message.id for message in messages}


def test_sound_settings_pass(settings, monkeypatch):
    assert found(settings, monkeypatch) == set()


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"BBB_API_URL": ""}, "W001"),
        ({"BBB_SECRET_KEY": ""}, "W001"),
        ({"BBB_CA_FILE": "/nowhere/ca.pem"}, "E002"),
        ({"MEETING_WEBINAR_SIPMEDIAGW_TOKEN": ""}, "E003"),
        ({"MEETING_WEBINAR_SIPMEDIAGW_URL": "https://token@sipmediagw.univ.fr"}, "E004"),
        ({"BBB_API_URL": "https://bbb.univ.fr/bigbluebutton?x=1"}, "E004"),
        ({"MEETING_WEBINAR_FIELDS": ("is_webinar", "is_personal")}, "E005"),
        ({"AMPHI_TICKET_KEY": "short"}, "E006"),
        ({"DEBUG": True}, "E007"),
        ({"AMPHI_INSECURE_KEY": True}, "E012"),
        ({"MEETING_WEBINAR_SIPMEDIAGW_URL": "http://sipmediagw.univ.fr"}, "W008"),
        ({"BBB_API_URL": "http://bbb.univ.fr/bigbluebutton"}, "W008"),
        ({"AMPHI_URL": "http://localhost:8000"}, "W009"),
        ({"AMPHI_URL": "https://127.0.0.1"}, "W009"),
        ({"AMPHI_URL": "http://amphi.univ.fr"}, "W010"),
    ],
)
def test_combination_that_can_t_work(settings, monkeypatch, changed, expected):
    assert found(settings, monkeypatch, **changed) == {f"amphi.{expected}"}


def test_sqlite_in_production(settings, monkeypatch):
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.sqlite3")
    assert found(settings, monkeypatch) == {"amphi.W011"}


@pytest.mark.parametrize(
    "changed",
    [
        {"USE_MEETING_WEBINAR": False, "BBB_API_URL": "", "BBB_SECRET_KEY": ""},
        {"AMPHI_TICKET_KEY": ""},
        {"MEETING_WEBINAR_SIPMEDIAGW_URL": "", "MEETING_WEBINAR_SIPMEDIAGW_TOKEN": ""},
        {"MEETING_WEBINAR_SIPMEDIAGW_URL": "http://127.0.0.1:8002"},
        {
            "AMPHI_INSECURE_KEY": True,
            "AMPHI_URL": "http://127.0.0.1:8000",
            "BBB_API_URL": "http://127.0.0.1:8001",
            "MEETING_WEBINAR_SIPMEDIAGW_URL": "http://127.0.0.1:8002",
        },
    ],
)
def test_combination_that_works(settings, monkeypatch, changed):
    assert found(settings, monkeypatch, **changed) == set()
