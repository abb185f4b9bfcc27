"""Settings: read by type, from the operator's file and the environment, each documented."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import global_settings, settings
from django.db import connection

from amphi.system.configuration import OURS_ALONE, bucket_url, check_names, read_settings_local, secret_key
from amphi.system.database import parse_database_url
from amphi.system.environment import InvalidSettingError, Reader, nearest, refuse_unknown
from amphi.system.setting_names import NAMES

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
    conf = Reader(read_settings_local(file), {"AMPHI_MEETING_WEBINAR_SIPMEDIAGW_TOKEN": "the file wins"})
    assert conf.flag("USE_MEETING_WEBINAR") is True
    assert conf.url("MEETING_WEBINAR_SIPMEDIAGW_URL") == "https://sipmediagw.univ.fr"
    assert conf.text("MEETING_WEBINAR_SIPMEDIAGW_TOKEN") == "token"
    assert conf.words("MEETING_WEBINAR_FIELDS") == ("is_webinar", "enable_chat")
    assert conf.words("MEETING_WEBINAR_AFFILIATION") == ("faculty", "employee", "staff")
    assert conf.text("MEETING_WEBINAR_GROUP_ADMIN") == "webinar admin"
    assert conf.others == {"EMAIL_HOST": "smtp.univ.fr"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"AMPHI_BUCKET_URL": "https://s3.example.org"}, "must end in the bucket’s name"),
        ({"AMPHI_BUCKET_URL": "https://s3.example.org/a/b"}, "must end in the bucket’s name"),
        (
            {"AMPHI_BUCKET_URL": "https://s3.example.org/replays"},
            "needs AMPHI_BUCKET_KEY and AMPHI_BUCKET_SECRET",
        ),
    ],
)
def test_bucket_that_can_not_be_one(given, said):
    with pytest.raises(InvalidSettingError, match=said):
        bucket_url(Reader({}, given), "AMPHI_BUCKET_URL", has_folder=True)


def test_bucket_needs_the_folder_and_its_key():
    given = {
        "AMPHI_BUCKET_URL": "https://s3.example.org/replays",
        "AMPHI_BUCKET_KEY": "k",
        "AMPHI_BUCKET_SECRET": "s",
    }
    assert bucket_url(Reader({}, given), "AMPHI_BUCKET_URL", has_folder=True) == given["AMPHI_BUCKET_URL"]
    assert bucket_url(Reader({}, {}), "AMPHI_BUCKET_URL", has_folder=False) == ""
    with pytest.raises(InvalidSettingError, match="needs AMPHI_RECORDINGS"):
        bucket_url(Reader({}, given), "AMPHI_BUCKET_URL", has_folder=False)


def test_settings_local_that_is_absent_says_nothing(tmp_path):
    assert read_settings_local(tmp_path / "settings_local.py") == {}
    assert read_settings_local(None) == {}


def run(*arguments, folder, **environ) -> subprocess.CompletedProcess[str]:
    """A command of the platform in `folder`, with these settings and no others."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AMPHI_")}
    return subprocess.run(
        [sys.executable, "-m", "amphi", *arguments],
        env={**inherited, "PYTHONPATH": str(ROOT / "src"), **environ},
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_settings_local_of_the_working_folder_is_not_run(tmp_path):
    (tmp_path / "settings_local.py").write_text("open('ran', 'w')\nSECRET_KEY = 'k' * 50\n")
    done = run("diffsettings", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(
        "amphi diffsettings: AMPHI_SECRET_KEY: must be at least 50 random characters"
    )
    assert not (tmp_path / "ran").exists()
    named = run("diffsettings", folder=tmp_path, AMPHI_SETTINGS="settings_local.py")
    assert named.returncode == 0, named.stderr
    assert (tmp_path / "ran").exists()


def test_settings_local_that_anybody_may_write_is_refused(tmp_path):
    file = tmp_path / "settings_local.py"
    file.write_text(SEED)
    file.chmod(0o666)
    with pytest.raises(InvalidSettingError, match="chmod o-w"):
        read_settings_local(file)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("A = 1\nB = (\n", 2, "'(' was never closed"),
        ("import os\nA = BASE_DIR\n", 2, "'BASE_DIR' is not defined"),
        ("from pod.settings import A\n", 1, "No module named 'pod'"),
        ("A = {}['secret-of-mine']\n", 1, "KeyError"),
    ],
)
def test_settings_local_that_does_not_run_says_where(tmp_path, text, line, said):
    file = tmp_path / "settings_local.py"
    file.write_text(text)
    with pytest.raises(InvalidSettingError) as caught:
        read_settings_local(file)
    assert f"settings_local.py, line {line}: " in str(caught.value)
    assert said in str(caught.value)
    assert "secret-of-mine" not in str(caught.value)


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
    assert Reader({"NAMES": value}, {}).words("NAMES") == ("faculty", "staff")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("flag", "perhaps"),
        ("flag", 3),
        ("integer", "five"),
        ("integer", True),
        ("integer", -1),
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
    conf = Reader({"NAME": value}, {})
    arguments = {"path": [Path()], "integer": [1]}.get(kind, [])
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
    conf = Reader({}, environ)
    assert conf.flag("USE_MEETING_WEBINAR") is True
    assert conf.url("AMPHI_URL") == "https://amphi.univ.fr"
    assert conf.integer("HOURS", 5) == 7
    assert conf.integer("EMPTY", 5) == 5
    assert conf.choice("FORMAT", "plain", ("plain", "json")) == "plain"


# --- names


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("AMPHI_TICKT_KEY", "AMPHI_TICKET_KEY"),
        ("AMPHI_GATEWAY_MAX_JOB", "AMPHI_GATEWAY_MAX_JOBS"),
        ("AMPHI_USE_MEETINGS_WEBINAR", "AMPHI_USE_MEETING_WEBINAR"),
        ("AMPHI_ORIGIN_ONPUBLISH", "AMPHI_ORIGIN_ON_PUBLISH"),
    ],
)
def test_slip_in_a_variable_is_told_with_the_right_name(name, right):
    with pytest.raises(InvalidSettingError, match=rf"^{name}: no such setting; is it {right}\?$"):
        refuse_unknown({name: "a secret", "PATH": "/bin"})


def test_variable_that_is_like_none_is_refused_too():
    with pytest.raises(InvalidSettingError, match=r"^AMPHI_WEATHER: no such setting$"):
        refuse_unknown({"AMPHI_WEATHER": "fine"})


def test_right_variables_and_those_of_tests_and_others_pass():
    refuse_unknown(dict.fromkeys(NAMES, "") | {"AMPHI_TEST_DATABASE": "sqlite", "USE_MEETING_WEBINARS": "1"})


@pytest.mark.parametrize("command", ["gateway", "origin", "classroom", "demo", "web", "migrate"])
def test_each_command_tells_a_slip(tmp_path, command):
    done = run(command, folder=tmp_path, AMPHI_GATEWAY_TOKN="a-secret")
    assert done.returncode == 2
    assert (
        done.stderr == f"amphi {command}: AMPHI_GATEWAY_TOKN: no such setting; is it AMPHI_GATEWAY_TOKEN?\n"
    )


def read_everything(local) -> Reader:
    """A reader that has read all that the platform reads."""
    conf = Reader(local, {}, file="/etc/amphi/settings_local.py")
    conf.known |= settings.KNOWN_SETTINGS
    return conf


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("USE_MEETING_WEBINARS", "is it USE_MEETING_WEBINAR?"),
        ("MEETING_WEBINAR_SIPMEDIAGW_URI", "is it MEETING_WEBINAR_SIPMEDIAGW_URL?"),
        ("BBB_SECRET", "is it BBB_SECRET_KEY?"),
        ("AMPHI_BBB_API_URL", "is it BBB_API_URL?"),
        ("AMPHI_WEATHER", "no such setting"),
        ("AMPHI_GATEWAY_TOKEN", "is read from the environment only"),
        *((name, "take this line out") for name in OURS_ALONE),
    ],
)
def test_name_of_the_file_that_nobody_reads(name, said):
    conf = read_everything({name: "x"})
    with pytest.raises(InvalidSettingError) as caught:
        check_names(conf, conf.others)
    assert str(caught.value).startswith(f"{name} (in /etc/amphi/settings_local.py): ")
    assert said in str(caught.value)


def test_names_of_django_of_esup_pod_and_of_anybody_pass():
    of_pod = (Path(__file__).parent / "esup_pod_settings.txt").read_text().split()
    assert len(of_pod) > 400
    names = [*of_pod, *dir(global_settings), "ES_URL", "REST_FRAMEWORK"]
    local = {name: "x" for name in names if name.isupper() and name not in OURS_ALONE}
    conf = read_everything(local)
    check_names(conf, conf.others)


# --- the secret key


@pytest.mark.parametrize("key", ["", "A_CHANGER", "k" * 49, "django-insecure-" + "k" * 50])
def test_key_that_could_be_guessed_is_refused_whatever_the_address(key):
    with pytest.raises(InvalidSettingError, match="at least 50 random characters") as caught:
        secret_key(Reader({"SECRET_KEY": key}, {}), insecure=False)
    assert not key or key not in str(caught.value)
    assert secret_key(Reader({"SECRET_KEY": key}, {}), insecure=True)


def test_the_published_key_is_refused_where_it_is_set():
    published = secret_key(Reader({}, {}), insecure=True)
    with pytest.raises(InvalidSettingError):
        secret_key(Reader({}, {"AMPHI_SECRET_KEY": published}), insecure=False)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "https://amphi.univ.fr"])
def test_no_path_is_a_permission(tmp_path, url):
    folder = tmp_path / "test"
    folder.mkdir()
    assert run("migrate", folder=folder, AMPHI_URL=url).returncode == 2
    allowed = run("diffsettings", folder=folder, AMPHI_URL=url, AMPHI_INSECURE_KEY="1")
    assert allowed.returncode == 0, allowed.stderr


# --- documentation


def test_each_setting_of_the_platform_is_documented():
    page = (ROOT / "docs" / "settings.md").read_text()
    assert {name for name in settings.KNOWN_SETTINGS if f"`{name}`" not in page} == set()


def test_each_variable_of_a_service_is_documented():
    pages = "".join(page.read_text() for page in (ROOT / "docs").glob("*.md"))
    of_services = {name for name in NAMES if re.match("AMPHI_(GATEWAY|ORIGIN|CLASSROOM|DEMO)_", name)}
    assert {name for name in of_services - {"AMPHI_DEMO_SEED"} if name not in pages} == set()


def test_names_are_those_that_are_read():
    source = "".join(file.read_text() for file in (ROOT / "src" / "amphi").rglob("*.py"))
    read = set(re.findall(r"\"(AMPHI_[A-Z_]+[A-Z])\"", source))
    read |= {name if name.startswith("AMPHI_") else f"AMPHI_{name}" for name in settings.KNOWN_SETTINGS}
    assert read == NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_no_right_name_is_a_slip_of_another(name):
    assert nearest(name) == name


def test_database_that_vanishes_without_a_word_is_given_up_within_seconds():
    options = parse_database_url("postgresql://amphi@db.univ.fr/amphi", default=Path("unused"))["OPTIONS"]
    probes_s = options["keepalives_idle"] + options["keepalives_interval"] * options["keepalives_count"]
    assert max(probes_s, options["tcp_user_timeout"] / 1000, options["connect_timeout"]) <= 15


@pytest.mark.django_db
def test_the_database_gives_up_a_machine_of_ours_that_vanished():
    """It would keep the locks of a transaction that it was in for two hours, and nobody could write in that event."""
    with connection.cursor() as cursor:

        def shown(name: str) -> int:
            cursor.execute("SELECT setting FROM pg_settings WHERE name = %s", [f"tcp_{name}"])
            return int(cursor.fetchone()[0])

        probes_s = shown("keepalives_idle") + shown("keepalives_interval") * shown("keepalives_count")
        assert max(probes_s, shown("user_timeout") / 1000) <= 15


@pytest.mark.parametrize("scheme", ["mysql", "mariadb", "mysql2", "mysql+pymysql", "MySQL"])
def test_address_of_mariadb_is_refused_with_what_works(scheme):
    with pytest.raises(
        InvalidSettingError, match=r"^AMPHI_DATABASE_URL: MariaDB and MySQL are not"
    ) as caught:
        parse_database_url(f"{scheme}://amphi:secret-of-mine@db.univ.fr/amphi", default=Path("unused"))
    assert "PostgreSQL 15 to 17, postgresql://" in str(caught.value)
    assert "secret-of-mine" not in str(caught.value)
