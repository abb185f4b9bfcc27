"""Two accounts of one person become one: nothing is lost, nothing counts twice, and nobody gets rights by it."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.utils import timezone

from amphi.accounts.identities import account_of
from amphi.accounts.models import AccessGroup, ApiToken, Identity, User
from amphi.audience import attendance
from amphi.audience.models import (
    Airing,
    Ballot,
    Hand,
    HandState,
    Message,
    Poll,
    Presence,
    Question,
    QuestionVote,
    Registration,
    Restraint,
)
from amphi.lti.models import Course, Link, Member, Platform
from amphi.meetings.domain import personal_room
from amphi.meetings.models import Attendance, Invitation, Meeting, Session
from amphi.pod_import.models import Imported
from amphi.privacy import merging
from amphi.privacy.exceptions import MergingError
from amphi.signon.person import Person
from tests.factories import make_gateway, make_meeting, make_user, make_webinar

pytestmark = pytest.mark.django_db
BY_CAS = Person(provider="cas", subject="mcurie", username="mcurie", affiliations=("faculty",))


@pytest.fixture(autouse=True)
def webinars(settings) -> None:
    settings.USE_MEETING_WEBINAR = True


@pytest.fixture
def root() -> User:
    return make_user("root", is_superuser=True, is_staff=True)


@pytest.fixture
def pair() -> tuple[User, User]:
    """The account that stays, made by hand, and the one of the university's system."""
    return make_user("marie"), account_of(BY_CAS)[0]


def test_every_reference_to_an_account_is_known():
    """One row of each is moved below; whoever adds one adds it there, or says here that it needs none."""
    found = {f"{one.model._meta.label}.{one.field}" for one in merging.references()}
    assert found == {
        *("accounts.ApiToken.user", "accounts.Identity.user", "accounts.User_access_groups.user"),
        *("accounts.User_groups.user", "accounts.User_user_permissions.user", "admin.LogEntry.user"),
        *("audience.Event.owner", "audience.Event_additional_owners.user", "audience.Event_moderators.user"),
        *("audience.Hand.user", "audience.Message.author", "audience.Message.moderated_by"),
        *("audience.Poll.created_by", "audience.Question.author", "audience.Registration.user"),
        *("audience.Restraint.by", "lti.Link.made_by", "lti.Link_admitted.user", "mails.Mail.sender"),
        *("meetings.Attendance.user", "meetings.Invitation.invited_by", "meetings.Meeting.owner"),
        *("meetings.Meeting_additional_owners.user", "webinars.Transition.actor"),
    }


def test_all_that_is_theirs_moves(pair, root):
    kept, gone = pair
    make_gateway()
    webinar, meeting, shared = make_webinar(gone), make_meeting(gone), make_meeting(kept)
    event, now = webinar.event, timezone.now()
    shared.additional_owners.add(gone)
    meeting.additional_owners.add(kept)
    event.moderators.add(kept, gone)
    for user, name in ((gone, "jury"), (gone, "both"), (kept, "both")):
        user.access_groups.add(AccessGroup.objects.get_or_create(code_name=name, display_name=name)[0])
    gone.groups.add(Group.objects.create(name="webinar admin"))
    platform = Platform.objects.create(name="Moodle", issuer="https://m.fr", client_id="1")
    course = Course.objects.create(
        platform=platform, context_id="1", group=AccessGroup.objects.create(code_name="course")
    )
    rows: list[tuple[Any, str]] = [
        (ApiToken.objects.create(user=gone, name="curl", digest="d", expires_at=now), "user"),
        (
            Invitation.objects.create(meeting=meeting, address="a@univ.fr", invited_by=gone, sent_at=now),
            "invited_by",
        ),
        (
            Registration.objects.create(
                event=event, address="m@univ.fr", name="Marie", told_start_at=now, user=gone
            ),
            "user",
        ),
        (Message.objects.create(event=event, author=gone, author_name="Marie", text="Bonjour"), "author"),
        (LogEntry.objects.create(user=gone, action_flag=1), "user"),
        (meeting, "owner"),
        (event, "owner"),
    ]
    session = Session.objects.create(meeting=meeting, internal_id="1", started_at=now)
    rows.append((Attendance.objects.create(session=session, user=gone, name="M", joined_at=now), "user"))
    link = Link.objects.create(course=course, meeting=webinar.meeting, made_by=gone)
    link.admitted.add(gone)
    member = Member.objects.create(course=course, identity=gone.identities.get())
    merging.merge(kept, gone, by=root)
    for row, field in [*rows, (link, "made_by")]:
        row.refresh_from_db()
        assert getattr(row, field) == kept, row
    assert not User.objects.filter(username="mcurie").exists()
    assert account_of(BY_CAS)[0] == kept == Member.objects.get(pk=member.pk).identity.user
    assert list(shared.additional_owners.all()) == list(meeting.additional_owners.all()) == []
    assert list(event.moderators.all()) == list(link.admitted.all()) == [kept]
    assert set(kept.access_groups.values_list("code_name", flat=True)) == {"jury", "both"}
    assert [group.name for group in kept.groups.all()] == ["webinar admin"]
    kept.refresh_from_db()
    assert (kept.email, kept.affiliations) == ("marie@example.org", ["faculty"])


def test_what_counts_once_counts_once(pair, root):
    kept, gone = pair
    make_gateway()
    event, now = make_webinar(make_user()).event, timezone.now()
    a, b = (f"u{user.pk}" for user in pair)
    question = Question.objects.create(event=event, viewer="u0", author_name="x", text="?", votes=3)
    poll = Poll.objects.create(event=event, question="?")
    airing = Airing.objects.create(event=event, began_at=now)
    for viewer in (a, b, "u0"):
        QuestionVote.objects.create(question=question, viewer=viewer)
        Ballot.objects.create(poll=poll, viewer=viewer)
    for viewer in (a, b):
        Hand.objects.create(event=event, viewer=viewer, name="x", raised_at=now, seen_at=now)
    Restraint.objects.create(event=event, viewer=a, kind="muted", name="x")
    Restraint.objects.create(event=event, viewer=b, kind="banned", name="x")
    Presence.objects.create(airing=airing, viewer=a, minutes=5, first_minute=10, last_minute=20)
    Presence.objects.create(airing=airing, viewer=b, minutes=9, first_minute=8, last_minute=18)
    merging.merge(kept, gone, by=root)
    question.refresh_from_db()
    assert question.votes == 2
    assert QuestionVote.objects.count() == Ballot.objects.count() == 2
    assert sorted(Hand.objects.values_list("viewer", "state")) == [
        (a, HandState.LOWERED),
        (a, HandState.RAISED),
    ]
    assert list(Restraint.objects.values_list("viewer", "kind")) == [(a, "banned")]
    assert list(Presence.objects.values_list("viewer", "minutes", "first_minute", "last_minute")) == [
        (a, 9, 8, 20)
    ]


def test_pseudonym_of_the_one_becomes_that_of_the_other(pair, root):
    make_gateway()
    event = make_webinar(make_user()).event
    airing = Airing.objects.create(event=event, began_at=timezone.now())
    for minutes, user in enumerate(pair, 4):
        (name,) = attendance.pseudonyms(event, [f"u{user.pk}"])
        Presence.objects.create(
            airing=airing, viewer=name, minutes=minutes, first_minute=1, last_minute=minutes
        )
    merging.merge(*pair, by=root)
    (name,) = attendance.pseudonyms(event, [f"u{pair[0].pk}"])
    assert list(Presence.objects.values_list("viewer", "minutes")) == [(name, 5)]


def test_second_personal_room_becomes_a_meeting(pair, root):
    mine, theirs = map(personal_room, pair)
    said = merging.consequences(*pair)
    merging.merge(*pair, by=root)
    assert dict(Meeting.objects.values_list("pk", "is_personal")) == {mine.pk: True, theirs.pk: False}
    assert any("personal room" in sentence or "salle personnelle" in sentence for sentence in said)


@pytest.mark.parametrize(
    ("whose", "change"),
    [("gone", {"is_staff": True}), ("gone", {"is_superuser": True})]
    + [(whose, {"is_active": False}) for whose in ("kept", "gone")],
)
def test_merging_that_is_refused_changes_nothing(pair, root, whose, change):
    User.objects.filter(pk=pair[whose == "gone"].pk).update(**change)
    with pytest.raises(MergingError):
        merging.merge(*pair, by=root)
    assert User.objects.count() == 3
    assert Identity.objects.get().user == pair[1]


def test_account_is_not_merged_with_itself(pair, root):
    with pytest.raises(MergingError):
        merging.merge(pair[0], pair[0], by=root)


def chosen(*users: User, **fields: str) -> dict[str, Any]:
    return {"action": "merge", "_selected_action": [user.pk for user in users], **fields}


def test_administrator_is_told_then_merges(client: Client, pair, root):
    kept, gone = pair
    logged_in = Client()
    logged_in.force_login(gone)
    client.force_login(root)
    url = "/admin/accounts/user/"
    came = Imported.objects.create(source="pod", kind="user", pod_id=1, object_id=gone.pk)
    page = client.post(url, chosen(*pair))
    assert b'type="radio"' in page.content
    page = client.post(url, chosen(*pair, kept=str(kept.pk)))
    assert "mcurie" in page.content.decode()
    assert User.objects.filter(pk=gone.pk).exists()
    answer = client.post(url, chosen(*pair, kept=str(kept.pk), confirmed="1"), follow=True)
    assert "mcurie" in answer.content.decode()
    assert not User.objects.filter(pk=gone.pk).exists()
    assert LogEntry.objects.filter(user=root, object_id=str(kept.pk)).count() == 1
    came.refresh_from_db()
    assert came.object_id == kept.pk
    assert logged_in.get("/accounts/my-data/").status_code == 302


@pytest.mark.parametrize("number", [1, 3])
def test_merging_takes_two_accounts(client, root, number):
    client.force_login(root)
    client.post("/admin/accounts/user/", chosen(*[make_user() for _ in range(number)], confirmed="1"))
    assert User.objects.count() == number + 1


def test_staff_without_all_rights_merge_nobody(client, pair):
    clerk = make_user(is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["change_user", "view_user"]))
    client.force_login(clerk)
    client.post("/admin/accounts/user/", chosen(*pair, kept=str(pair[0].pk), confirmed="1"))
    assert User.objects.count() == 3
