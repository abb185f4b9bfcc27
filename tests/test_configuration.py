"""Settings: read by type, from the operator's file and the environment, each documented."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from amphi.configuration import Configuration, read_settings_local
from amphi.environment import InvalidSettingError

ROOT = Path(__file__).parents[1]
SEED = """
################
# Utilisation du mode Webinaire pour le module des réunions
USE_MEETING_WEBINAR = True
MEETING_WEBINAR_SIPMEDIAGW_URL = "https://sipmediagw.univ.fr"
MEETING_WEBINAR_SIPMEDIAGW_TOKEN = "token"
MEETING_WEBINAR_FIELDS = ( "is_webinar", "enable_chat", )
MEETING_WEBINAR_AFFILIATION = ["faculty", "employee", "staff"]
MEETING_WEBINAR_GROUP_ADMIN = "webinar admin"
EMAIL_HOST = "smtp.univ.fr"
lower = "is not a setting"
################
"""


def test_settings_local_of_esup_pod_works_as_pasted(tmp_path):
    file = tmp_path / "settings_local.py"
    file.write_text(SEED)
    conf = Configuration(
        read_settings_local(file), {"AMPHI_MEETING_WEBINAR_SIPMEDIAGW_TOKEN": "the file wins"}
    )
    assert conf.flag("USE_MEETING_WEBINAR") is True
    assert conf.url("MEETING_WEBINAR_SIPMEDIAGW_URL") == "https://sipmediagw.univ.fr"
    assert conf.text("MEETING_WEBINAR_SIPMEDIAGW_TOKEN") == "token"
    assert conf.words("MEETING_WEBINAR_FIELDS") == ("is_webinar", "enable_chat")
    assert conf.words("MEETING_WEBINAR_AFFILIATION") == ("faculty", "employee", "staff")
    assert conf.text("MEETING_WEBINAR_GROUP_ADMIN") == "webinar admin"
    assert conf.others == {"EMAIL_HOST": "smtp.univ.fr"}


def test_settings_local_that_is_absent_says_nothing(tmp_path):
    assert read_settings_local(tmp_path / "settings_local.py") == {}


@pytest.mark.parametrize(
    "value",
    [
        ["faculty", "staff"],
        ("faculty", "staff"),
        "['faculty', 'staff']",
        "faculty, staff",
        "('faculty', 'staff')",
    ],
)
def test_words_in_each_notation(value):
    assert Configuration({"NAMES": value}, {}).words("NAMES") == ("faculty", "staff")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("flag", "perhaps"),
        ("flag", 3),
        ("number", "five"),
        ("number", True),
        ("number", -1),
        ("words", "['faculty'"),
        ("words", [1]),
        ("words", "[1, 2]"),
        ("text", 7),
        ("url", "sipmediagw.univ.fr"),
        ("url", "ftp://univ.fr"),
        ("path", 7),
    ],
)
def test_value_of_the_wrong_type_names_the_setting_and_hides_the_value(kind, value):
    conf = Configuration({"NAME": value}, {})
    arguments = {"path": [Path()], "number": [1]}.get(kind, [])
    with pytest.raises(InvalidSettingError, match=r"^NAME: must be") as caught:
        getattr(conf, kind)("NAME", *arguments)
    assert str(value) not in str(caught.value)


def test_environment_is_read_with_its_prefix():
    environ = {
        "AMPHI_USE_MEETING_WEBINAR": "yes",
        "AMPHI_URL": "https://amphi.univ.fr/",
        "AMPHI_HOURS": "7",
        "EMPTY": "",
    }
    conf = Configuration({}, environ)
    assert conf.flag("USE_MEETING_WEBINAR") is True
    assert conf.url("AMPHI_URL") == "https://amphi.univ.fr"
    assert conf.number("HOURS", 5) == 7
    assert conf.number("EMPTY", 5) == 5
    assert conf.choice("FORMAT", "plain", ("plain", "json")) == "plain"


def test_each_setting_of_the_platform_is_documented():
    page = (ROOT / "docs" / "settings.md").read_text()
    assert {name for name in settings.KNOWN_SETTINGS if f"`{name}`" not in page} == set()


def test_each_variable_of_a_service_is_documented():
    pages = "".join(page.read_text() for page in (ROOT / "docs").glob("*.md"))
    source = "".join(file.read_text() for file in (ROOT / "src" / "amphi").rglob("*.py"))
    names = set(re.findall(r"\"(AMPHI_(?:GATEWAY|ORIGIN|CLASSROOM|DEMO)_[A-Z_]+[A-Z])\"", source)) - {
        "AMPHI_DEMO_SEED"
    }
    assert {name for name in names if name not in pages} == set()
