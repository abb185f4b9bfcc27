"""Who may still watch: one rule, for a page that asks for one person and for all who hold tickets."""

import itertools
import time

import pytest
from django.contrib.auth.models import AnonymousUser

from amphi.accounts.identities import end_tickets
from amphi.accounts.models import AccessGroup, User
from amphi.audience import domain, rights
from amphi.audience.claims import Claim, claim_of
from amphi.audience.models import Event, Restraint
from amphi.system import tickets
from tests.factories import make_user, make_webinar

pytestmark = pytest.mark.django_db


@pytest.fixture
def event(settings) -> Event:
    settings.USE_MEETING_WEBINAR = True
    return make_webinar(password="sésame").event


@pytest.fixture
def group() -> AccessGroup:
    return AccessGroup.objects.create(code_name="l1", display_name="L1")


def held(event: Event, user: User | AnonymousUser | None = None) -> Claim:
    """What the ticket claims that a page gives now."""
    ticket = domain.ticket_for(Event.objects.get(pk=event.pk), user or AnonymousUser())
    return claim_of(tickets.verify(domain.ticket_key(), ticket, now=time.time()))


def is_good(claim: Claim) -> bool:
    return claim not in rights.refused([claim])


@pytest.mark.parametrize(
    ("is_draft", "is_restricted", "has_group"), [*itertools.product([False, True], repeat=3)]
)
def test_rule_for_many_is_the_rule_for_one(event, group, is_draft, is_restricted, has_group):
    Event.objects.filter(pk=event.pk).update(is_draft=is_draft, is_restricted=is_restricted, password="")
    event.refresh_from_db()
    if has_group:
        event.access_groups.add(group)
    member, co_owner = make_user(), make_user()
    member.access_groups.add(group)
    event.additional_owners.add(co_owner)
    people = [
        AnonymousUser(),
        make_user(),
        member,
        event.owner,
        co_owner,
        make_user(is_superuser=True),
    ]
    claims = {held(event, user): user for user in people}
    refused = rights.refused(claims)
    assert {claim: claim not in refused for claim in claims} == {
        claim: rights.can_watch(user, event) for claim, user in claims.items()
    }


def change_password(event: Event, _: User) -> None:
    Event.objects.filter(pk=event.pk).update(password="autre")


def make_draft(event: Event, _: User) -> None:
    Event.objects.filter(pk=event.pk).update(is_draft=True)


def restrict(event: Event, _: User) -> None:
    Event.objects.filter(pk=event.pk).update(is_restricted=True)
    event.access_groups.set([AccessGroup.objects.create(code_name="m2", display_name="M2")])


def leave_the_group(event: Event, user: User) -> None:
    user.access_groups.clear()


def deactivate(event: Event, user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def log_out(event: Event, user: User) -> None:
    end_tickets({user.pk})


def delete_the_person(event: Event, user: User) -> None:
    user.delete()


def delete_the_event(event: Event, _: User) -> None:
    event.livestream.delete()
    event.delete()


@pytest.mark.parametrize(
    "withdraw",
    [
        change_password,
        make_draft,
        restrict,
        leave_the_group,
        deactivate,
        log_out,
        delete_the_person,
        delete_the_event,
    ],
)
def test_right_that_is_withdrawn_ends_what_its_ticket_opened(event, group, withdraw):
    Event.objects.filter(pk=event.pk).update(is_restricted=True)
    event.access_groups.add(group)
    member = make_user()
    member.access_groups.add(group)
    claim = held(event, member)
    assert is_good(claim)
    withdraw(event, member)
    assert not is_good(claim)


def test_co_owner_who_is_no_longer_one_needs_the_password(event):
    co_owner = make_user()
    event.additional_owners.add(co_owner)
    change_password(event, co_owner)
    claim = held(event, co_owner)._replace(password_mark="")
    assert is_good(claim)
    event.additional_owners.clear()
    assert not is_good(claim)


def test_what_opens_more_ends_nothing(event):
    claim = held(event)
    event.additional_owners.add(make_user())
    Event.objects.filter(pk=event.pk).update(password="", title="Autre titre")
    assert is_good(claim)


def test_crowd_of_an_open_event_costs_two_readings(event, django_assert_num_queries):
    Event.objects.filter(pk=event.pk).update(password="")
    claims = [Claim(event.pk, f"a{number}", "") for number in range(1000)]
    with django_assert_num_queries(2):
        assert rights.refused(claims) == set()


def test_crowd_of_a_restricted_event_costs_few_readings(event, group, django_assert_num_queries):
    Event.objects.filter(pk=event.pk).update(password="", is_restricted=True)
    event.access_groups.add(group)
    claims = [Claim(event.pk, f"u{number}", "") for number in range(10_000, 12_000)]
    with django_assert_num_queries(6):
        assert rights.refused(claims) == set(claims)


def test_excluded_viewers_are_out_and_moderators_never(event, django_assert_num_queries):
    Event.objects.filter(pk=event.pk).update(password="")
    lea, max_ = make_user("lea"), make_user("max")
    event.moderators.add(max_)
    for viewer in (f"u{lea.pk}", f"u{max_.pk}", "aguest", f"u{event.owner_id}"):
        Restraint.objects.create(event=event, viewer=viewer, kind="banned", name="x")
    Restraint.objects.create(event=event, viewer="amuted", kind="muted", name="x")
    claims = {
        viewer: Claim(event.pk, viewer, "")
        for viewer in (f"u{lea.pk}", f"u{max_.pk}", "aguest", f"u{event.owner_id}", "amuted", "aother")
    }
    assert rights.refused(claims.values()) == {claims[f"u{lea.pk}"], claims["aguest"]}


@pytest.mark.parametrize("column", ["is_draft", "is_restricted"])
def test_moderators_watch_what_they_moderate(event, group, column):
    Event.objects.filter(pk=event.pk).update(**{column: True})
    event.refresh_from_db()
    event.access_groups.add(group)
    max_ = make_user("max")
    claim = Claim(event.pk, f"u{max_.pk}", "")
    assert (rights.can_watch(max_, event), rights.refused([claim])) == (False, {claim})
    event.moderators.add(max_)
    event = Event.objects.get(pk=event.pk)
    assert (rights.can_watch(max_, event), rights.refused([claim])) == (True, set())
