"""Which account somebody gets who signs on, and what it learns of them."""

from dataclasses import replace

import pytest

from amphi.accounts.identities import AccountClosedError, account_of
from amphi.accounts.models import AccessGroup, Identity, User
from amphi.accounts.rights import can_create_webinar, can_edit_meetings
from amphi.signon.person import Person
from tests.factories import make_user

pytestmark = pytest.mark.django_db
MARIE = Person(
    provider="cas",
    subject="mcurie",
    username="mcurie",
    first_name="Marie",
    last_name="Curie",
    email="marie.curie@univ.fr",
    primary_affiliation="faculty",
    affiliations=("faculty", "member"),
    groups=("physique", "recherche"),
)


def test_first_login_makes_an_account_and_the_next_finds_it():
    user, _ = account_of(MARIE)
    again, _ = account_of(replace(MARIE, last_name="Skłodowska", email="marie@univ.fr"))
    assert (again.pk, again.username, str(again), again.email) == (
        user.pk,
        "mcurie",
        "Marie Skłodowska",
        "marie@univ.fr",
    )
    assert not again.has_usable_password()
    assert (again.affiliation, again.affiliations) == ("faculty", ["faculty", "member"])


@pytest.mark.parametrize(
    "existing",
    [
        {"username": "mcurie"},
        {"username": "MCurie"},
        {"username": "other", "email": "marie.curie@univ.fr"},
        {"username": "mcurie", "email": "marie.curie@univ.fr", "is_superuser": True},
    ],
)
def test_account_of_the_same_name_or_address_is_not_taken_over(existing):
    theirs = make_user(**existing)
    user, _ = account_of(MARIE)
    assert user.pk != theirs.pk
    assert not user.is_superuser
    theirs.refresh_from_db()
    assert theirs.first_name == ""


def test_same_subject_of_another_system_is_another_person():
    assert account_of(MARIE)[0].pk != account_of(replace(MARIE, provider="oidc https://id.other.fr"))[0].pk


def test_administrator_links_a_system_to_an_account(client):
    wanted, other = make_user("marie"), account_of(MARIE)[0]
    client.force_login(make_user("root", is_superuser=True, is_staff=True))
    identity = Identity.objects.get(user=other)
    fields = {"user": wanted.pk, "provider": identity.provider, "subject": identity.subject}
    assert client.post(f"/admin/accounts/identity/{identity.pk}/change/", fields).status_code == 302
    assert account_of(MARIE)[0].pk == wanted.pk


def test_closed_account_stays_closed():
    user, _ = account_of(MARIE)
    User.objects.filter(pk=user.pk).update(is_active=False)
    with pytest.raises(AccountClosedError):
        account_of(MARIE)


def test_groups_are_those_of_today_and_those_given_by_hand():
    for code in ("physique", "recherche", "jury", "member"):
        AccessGroup.objects.create(code_name=code, display_name=code)
    user, _ = account_of(MARIE)
    user.access_groups.add(AccessGroup.objects.get(code_name="jury"))
    assert codes(user) == {"physique", "recherche", "jury", "member"}
    account_of(replace(MARIE, groups=("physique",), affiliations=("faculty",)))
    assert codes(user) == {"physique", "jury"}


def codes(user: User) -> set[str]:
    return set(user.access_groups.values_list("code_name", flat=True))


def test_groups_are_made_where_the_settings_say_so(settings):
    settings.CREATE_GROUP_FROM_AFFILIATION = True
    assert codes(account_of(MARIE)[0]) == {"faculty", "member"}
    settings.CREATE_GROUP_FROM_GROUPS = True
    assert codes(account_of(MARIE)[0]) == {"faculty", "member", "physique", "recherche"}


@pytest.mark.parametrize(
    ("told", "may"),
    [
        (("staff",), True),
        (("member", "employee"), True),
        (("student", "member"), False),
        ((), False),
    ],
)
def test_affiliations_of_today_open_and_close_the_doors(settings, told, may):
    settings.USE_MEETING_WEBINAR = settings.RESTRICT_EDIT_MEETING_ACCESS_TO_STAFF_ONLY = True
    account_of(MARIE)
    user, _ = account_of(replace(MARIE, primary_affiliation=(*told, "")[0], affiliations=told))
    assert (can_create_webinar(user), can_edit_meetings(user)) == (may, may)


def test_affiliation_given_by_hand_stays_where_the_system_never_told_one():
    unknown = replace(MARIE, primary_affiliation="", affiliations=())
    user, _ = account_of(unknown)
    assert user.affiliation == ""
    User.objects.filter(pk=user.pk).update(affiliation="staff")
    assert account_of(unknown)[0].affiliation == "staff"


@pytest.mark.parametrize(
    ("wished", "name"), [("Zoë d’Or <x>", "Zoë-d-Or-x"), ("'", "x"), ("a" * 300, "a" * 142)]
)
def test_name_of_a_new_account_can_be_one(wished, name):
    assert account_of(replace(MARIE, username=wished))[0].username == name
