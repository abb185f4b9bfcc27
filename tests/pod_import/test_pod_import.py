"""Coming from Esup-Pod: what comes, what does not and why, and that it comes once."""

import gzip
import json
from datetime import UTC, datetime, timedelta

import pytest

from amphi.accounts.models import AccessGroup, Identity, User
from amphi.audience.models import Broadcaster, Event
from amphi.mails.models import Mail
from amphi.meetings.models import Meeting, Occurrence
from amphi.pod_import import cli
from amphi.pod_import.bringing import Wish, bring
from amphi.pod_import.dump import Dump, DumpError
from amphi.pod_import.models import Imported
from amphi.webinars.models import LiveGateway, Livestream
from tests.factories import make_gateway, make_user
from tests.pod_import import pod_dump
from tests.pod_import.pod_dump import HASH, NOW, VERSIONS, WITHOUT_GATEWAY_ADDRESS, university

pytestmark = pytest.mark.django_db
WRITE = Wish(writes=True)


@pytest.fixture(autouse=True)
def webinars_on(settings):
    settings.USE_MEETING_WEBINAR = True


def brought(objects=None, wish=WRITE):
    return bring(Dump(university() if objects is None else objects), wish, NOW)


def said(report) -> str:
    return cli.text_of(report, writes=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_university_comes_from_each_version(version, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    brought(university(version))
    marie, pierre = User.objects.get(username="marie"), User.objects.get(username="pierre")
    assert not User.objects.filter(username="irene").exists()  # presents nothing
    assert (marie.email, marie.affiliation, marie.is_superuser) == ("marie@univ.fr", "faculty", False)
    assert (marie.has_usable_password(), pierre.password) == (False, HASH)
    assert [one.name for one in marie.groups.all()] == ["webinar admin"]
    assert list(Identity.objects.values_list("provider", "subject", "user")) == [("cas", "marie", marie.pk)]
    gateway = LiveGateway.objects.get(broadcaster__slug="salle1")
    assert gateway.rtmp_stream_url == "rtmp://live.univ.fr/live/salle1?key=s3cret"
    told = ("", "") if version in WITHOUT_GATEWAY_ADDRESS else ("https://sipmediagw1.univ.fr", "t0ken")
    assert (gateway.sipmediagw_url, gateway.sipmediagw_token) == told
    live = Livestream.objects.select_related("meeting", "event").get()
    assert (live.meeting.owner, live.gateway, live.meeting.start_at) == (
        marie,
        gateway,
        NOW + timedelta(days=3),
    )
    # Pod gives each meeting a password of its own, which listeners of a webinar are not asked for.
    assert (live.event.password, live.event.enable_chat) == ("", True)
    assert live.event.description == "Une introduction : l’atome.\nRutherford"
    assert [one.code_name for one in live.event.access_groups.all()] == ["l1"]
    assert list(live.event.additional_owners.all()) == [pierre]
    assert set(Meeting.objects.values_list("name", flat=True)) == {
        "La radioactivité",
        "Point d’équipe",
        "Tous les quinze jours",
    }
    assert not Mail.objects.exists()


def test_recurring_meetings_go_on_from_their_next_session():
    report = brought()
    team = Meeting.objects.get(name="Point d’équipe")
    # Mondays and Thursdays at ten in Paris, in summer and in winter.
    assert team.start_at == datetime(2026, 11, 30, 9, tzinfo=UTC)
    assert (team.recurrence, team.recurrence_days) == ("weekly", "0,3")
    assert (team.password, team.guest_policy, team.lock_cam) == ("entrez", "ASK_MODERATOR", True)
    assert Occurrence.objects.filter(meeting=team).order_by("-start_at")[0].start_at.date().isoformat() == (
        "2027-06-28"
    )
    other = Meeting.objects.get(name="Tous les quinze jours")
    assert (other.recurrence, other.start_at) == ("", datetime(2026, 12, 7, 9, tzinfo=UTC))
    assert "Tous les quinze jours" in said(report)


def test_trial_writes_nothing_and_says_the_same():
    trial = brought(wish=Wish())
    for model in (User, Meeting, LiveGateway, Broadcaster, Event, AccessGroup, Imported):
        assert not model.objects.exists()
    assert cli.text_of(trial, writes=True) == cli.text_of(brought(), writes=True)


def test_second_time_nothing_is_new_and_what_changed_here_stays():
    brought()
    rows = list(Imported.objects.values_list("pk", "at"))
    again = brought()
    assert {outcome for (_kind, outcome), count in again.counts.items() if count} == {"same", "left"}
    assert list(Imported.objects.values_list("pk", "at")) == rows
    meeting = Meeting.objects.get(name="La radioactivité")
    Meeting.objects.filter(pk=meeting.pk).update(name="Mieux dit")
    User.objects.filter(username="pierre").delete()
    pod = university()
    for row in pod:
        if row["model"] == "meeting.meeting":
            row["fields"]["enable_chat"] = False
            row["fields"]["name"] += " bis"
        if row["model"] == "live.broadcaster":
            row["fields"]["name"] += " bis"
    third = brought(pod)
    assert third.counts["meeting", "kept"] == third.counts["user", "gone"] == 1
    assert third.counts["broadcaster", "changed"] == 2
    meeting.refresh_from_db()
    assert (meeting.name, meeting.enable_chat) == ("Mieux dit", True)
    assert Meeting.objects.filter(name="Tous les quinze jours bis").exists()
    assert not User.objects.filter(username="pierre").exists()


def test_account_of_the_same_name_is_nobody_else_until_the_operator_says_so():
    make_user("Marie", email="other@univ.fr")
    report = brought()
    assert report.counts["user", "left"] == 1
    assert "--same-names" in said(report)
    assert not Livestream.objects.exists()
    report = brought(wish=Wish(writes=True, same_names=True))
    assert report.counts["user", "before"] == 1
    assert User.objects.get(username="Marie").email == "other@univ.fr"
    assert Livestream.objects.get().meeting.owner.username == "Marie"


def test_who_signed_on_here_before_is_the_same_person():
    ours = make_user("m.curie")
    Identity.objects.create(user=ours, provider="cas", subject="marie")
    brought()
    assert Livestream.objects.get().meeting.owner == ours


def test_webinar_without_a_gateway_or_the_right_comes_as_a_meeting(settings):
    pod = [row for row in university() if not row["model"].startswith("meeting.livegateway")]
    report = brought(pod)
    assert not Livestream.objects.exists()
    assert not Mail.objects.exists()
    assert Meeting.objects.filter(name="La radioactivité", is_webinar=False).exists()
    words = said(report)
    assert "no live gateway is free" in words or "aucune passerelle de live n’est libre" in words


def test_broadcaster_that_is_here_keeps_its_gateway():
    gateway = make_gateway(hls_url="https://live.univ.fr/hls/salle1.m3u8")
    report = brought()
    assert report.counts["broadcaster", "before"] == report.counts["gateway", "left"] == 1
    gateway.refresh_from_db()
    assert gateway.sipmediagw_token == "token"


def test_group_with_permissions_here_is_given_to_nobody():
    from django.contrib.auth.models import Group, Permission  # noqa: PLC0415 -- needs Django set up

    group = Group.objects.create(name="webinar admin")
    group.permissions.add(Permission.objects.first())
    brought()
    assert not User.objects.get(username="marie").groups.exists()


@pytest.mark.parametrize("language", ["fr_FR.UTF-8", "C.UTF-8"])
def test_report_has_no_secret(language, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("LC_ALL", language)
    file = tmp_path / "pod.json.gz"
    file.touch(0o600)
    file.write_bytes(gzip.compress(json.dumps(pod_of_now()).encode()))
    assert cli.main([str(file), "--all-users", "--write"]) == 0
    out = capsys.readouterr()
    assert out.err == ""
    assert ("réunions et webinaires" in out.out) is language.startswith("fr")
    for secret in ("t0ken", "s3cret", "entrez", "pbkdf2", "moderez"):
        assert secret not in out.out
    assert User.objects.filter(username="irene").exists()


def pod_of_now():
    """The university, with its webinar in three days from now on."""
    pod = university()
    for row in pod:
        if row["fields"].get("name") == "La radioactivité":
            row["fields"]["start_at"] = pod_dump.iso(datetime.now(UTC) + timedelta(days=3))
    return pod


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("no", "JSON"),
        ("{}", "dumpdata"),
        ("[]", "auth.user"),
        (json.dumps([{"model": "auth.user", "fields": {}}]), "--natural"),
        (json.dumps([row for row in university() if row["model"] != "authentication.owner"]), "owner"),
        (
            json.dumps([{**row, "fields": {**row["fields"], "site": row["pk"] % 2}} for row in university()]),
            "--site",
        ),
        (json.dumps([{"model": row["model"], "pk": row["pk"], "fields": {}} for row in university()]), "3.6"),
        (
            json.dumps([pod_dump.user(1, "a"), pod_dump.owner(1), pod_dump.meeting(1, "x", start_at="?")]),
            "start_at",
        ),
    ],
)
def test_file_that_is_no_such_dump_is_told(content, words, tmp_path, capsys):
    file = tmp_path / "pod.json"
    file.write_text(content)
    assert cli.main([str(file)]) == 1
    assert words in capsys.readouterr().err


def test_missing_field_is_named():
    pod = university()
    del pod[-2]["fields"]["is_webinar"]
    with pytest.raises(DumpError, match="is_webinar"):
        brought(pod)
