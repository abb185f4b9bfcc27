"""What a backup holds comes back, whole or not at all."""

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from amphi.backup import databases
from amphi.backup.databases import BackupError
from amphi.backup.restoring import restore
from amphi.backup.saving import save
from amphi.meetings.models import Meeting
from amphi.webinars.models import LiveGateway
from tests import services
from tests.audience import web_process
from tests.factories import make_gateway, make_meeting, make_webinar

LATER = "meetings.9999_of_tomorrow"


@pytest.fixture(autouse=True)
def places(settings, tmp_path, monkeypatch):
    """Folders of the test's own, with a file that was uploaded and a recording. Nobody else uses the database."""
    web_process.leave_the_database()
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("AMPHI_URL", "https://amphi.univ.fr")
    settings.USE_MEETING_WEBINAR = True
    settings.VAR_DIR, settings.MEDIA_ROOT, settings.RECORDINGS = (
        tmp_path / "var",
        tmp_path / "var" / "files",
        tmp_path / "recordings",
    )
    write(settings.MEDIA_ROOT / "slides" / "été.pdf", b"%PDF" * 1000)
    write(settings.RECORDINGS / "7" / "20261126T080000Z-0001" / "index", b"{}\n")
    write(settings.RECORDINGS / "7" / "20261126T080000Z-0001" / "AAAAAAAA.m4s", bytes(5000))


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def files(folder: Path) -> dict[str, tuple[bytes, int, float]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mode, path.stat().st_mtime)
        for path in folder.rglob("*")
        if path.is_file()
    }


def saved(*, with_recordings: bool = False) -> io.BytesIO:
    out = io.BytesIO()
    save(out, with_recordings=with_recordings)
    out.seek(0)
    return out


def rows(tmp_path: Path) -> list[str]:
    """The database as text, without what differs though it means the same: the word that newer versions of pg_dump draw by lot, and
    how PostgreSQL writes an index's condition.
    """
    databases.dump(tmp_path / "rows")
    lines = (tmp_path / "rows").read_text().splitlines()
    return sorted(
        line.partition(" WHERE ")[0] for line in lines if not line.startswith(("\\restrict", "\\unrestrict"))
    )


def back(source: io.BytesIO, *, replace: bool = True, other_key: bool = False):
    return restore(source, replace=replace, other_key=other_key)


@pytest.mark.django_db(transaction=True)
def test_destroyed_platform_comes_back(settings, tmp_path):
    gateway = make_gateway(sipmediagw_token="jeton")
    make_webinar(name="Thermodynamique")
    everything = rows(tmp_path), files(settings.MEDIA_ROOT), files(settings.RECORDINGS)
    backup = saved(with_recordings=True)

    Meeting.objects.all().delete()
    LiveGateway.objects.all().delete()
    make_meeting(name="Une autre")
    (settings.MEDIA_ROOT / "slides" / "été.pdf").write_bytes(b"not this")
    write(settings.MEDIA_ROOT / "later.pdf", b"%PDF")
    for path in files(settings.RECORDINGS):
        (settings.RECORDINGS / path).unlink()
    later = settings.RECORDINGS / "8" / "20261126T090000Z-0002" / "index"
    write(later, b"{}\n")

    label = back(backup)
    assert label.has_recordings
    assert later.read_bytes() == b"{}\n", "what the origin records meanwhile"
    later.unlink()
    assert (rows(tmp_path), files(settings.MEDIA_ROOT), files(settings.RECORDINGS)) == everything
    assert LiveGateway.objects.get(pk=gateway.pk).sipmediagw_token == "jeton"
    with tarfile.open(fileobj=backup) as tar:
        names = tar.getnames()
        assert names[:2] == ["backup.json", "settings/amphi.env"]
        assert names[-1] == "end"
        # What a recording's index tells of is written when the index is: it is read first.
        assert names.index("recordings/7/20261126T080000Z-0001/index") < names.index(
            "recordings/7/20261126T080000Z-0001/AAAAAAAA.m4s"
        )
        assert b"AMPHI_URL=https://amphi.univ.fr\n" in tar.extractfile("settings/amphi.env").read()


@pytest.mark.django_db(transaction=True)
def test_failing_database_leaves_all_as_it_was(settings, tmp_path):
    make_webinar(name="Thermodynamique")
    backup = rewritten(saved(), "database", lambda content: content + b"\nSELECT of_nothing;\n")
    make_meeting(name="Une autre")
    write(settings.MEDIA_ROOT / "later.pdf", b"%PDF")
    everything = rows(tmp_path), files(settings.MEDIA_ROOT)
    with pytest.raises(BackupError, match="of_nothing"):
        back(backup)
    assert (rows(tmp_path), files(settings.MEDIA_ROOT)) == everything


@pytest.mark.django_db(transaction=True)
def test_database_in_use_is_left_alone(monkeypatch):
    monkeypatch.setattr(databases, "LEAVING_S", 0.2)
    backup = saved()
    database = connection.settings_dict
    with (
        psycopg.connect(
            host=database["HOST"], port=database["PORT"], user=database["USER"], dbname=database["NAME"]
        ),
        pytest.raises(BackupError, match="systemctl stop amphi-web amphi-worker"),
    ):
        back(backup)


def rewritten(source: io.BytesIO, name: str, change, renamed: str = "") -> io.BytesIO:
    """The same archive, with one member changed."""
    out = io.BytesIO()
    with tarfile.open(fileobj=source) as tar, tarfile.open(fileobj=out, mode="w") as to:
        for member in tar:
            content = tar.extractfile(member).read()
            if member.name == name:
                content = change(content)
                member = tarfile.TarInfo(renamed or name)  # noqa: PLW2901 -- in its place
                member.size = len(content)
            to.addfile(member, io.BytesIO(content))
    out.seek(0)
    return out


def labelled(**fields):
    def change(content: bytes) -> bytes:
        return json.dumps(json.loads(content) | fields).encode()

    return lambda source: rewritten(source, "backup.json", change)


def cut(source: io.BytesIO) -> io.BytesIO:
    return io.BytesIO(source.getvalue()[:-11000])


def led_astray(source: io.BytesIO) -> io.BytesIO:
    return rewritten(source, "files/slides/été.pdf", lambda content: content, renamed="files/../../passwd")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "options", "sentence"),
    [
        (lambda _: io.BytesIO(b"a letter"), {}, "can’t be read"),
        (lambda _: io.BytesIO(bytes(10240)), {}, "not a backup"),
        (cut, {}, "cut off|can’t be read"),
        (led_astray, {}, "no file of its own"),
        (labelled(format=2), {}, "does not know"),
        (labelled(surprise=1), {}, "does not know"),
        (labelled(database="sqlite"), {}, "is of sqlite"),
        (labelled(migrations=[LATER]), {}, f"later version .*{LATER}"),
        (labelled(key="another"), {}, "AMPHI_SECRET_KEY is not the one"),
        (lambda source: source, {"replace": False}, "not empty"),
    ],
)
def test_unfit_backup_is_refused(settings, tmp_path, change, options, sentence):
    everything = rows(tmp_path), files(settings.MEDIA_ROOT)
    backup = change(saved())
    with pytest.raises(BackupError, match=sentence):
        back(backup, **options)
    assert (rows(tmp_path), files(settings.MEDIA_ROOT)) == everything


def test_commands_on_a_machine_for_trials(tmp_path):
    env = services.environment(tmp_path, LC_ALL="C.UTF-8")
    services.migrate(env)
    command = [sys.executable, "-m", "amphi"]

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *arguments],
            env=env | variables,
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )

    backup = tmp_path / "amphi.tar"
    assert run("backup", str(backup)).returncode == 0
    assert backup.stat().st_mode & 0o777 == 0o600
    assert "exists" in run("backup", str(backup)).stderr
    elsewhere = {"AMPHI_VAR": str(tmp_path / "elsewhere")}
    done = run("restore", str(backup), **elsewhere)
    assert (done.returncode, done.stderr) == (0, "")
    assert "recordings stay as they are" in done.stdout
    again = run("restore", str(backup), **elsewhere)
    assert (again.returncode, "--replace" in again.stderr) == (1, True)
