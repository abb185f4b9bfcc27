"""Who becomes a guest, and by what name."""

import pytest

from amphi.audience import guests
from amphi.audience.exceptions import ChatError, GuestNameError
from amphi.audience.models import Event, Guest, Restraint
from amphi.audience.speakers import guest_speaker
from tests.factories import make_gateway, make_user, make_webinar

pytestmark = pytest.mark.django_db

HOUSE = "10.0.0.1"


@pytest.fixture
def event(settings) -> Event:
    settings.USE_MEETING_WEBINAR = True
    owner = make_user("mcurie", first_name="Marie", last_name="Curie")
    found = make_webinar(owner).event
    found.moderators.add(make_user("leo", first_name="Léo", last_name="Faure"))
    Event.objects.filter(pk=found.pk).update(guests_may_write=True)
    return Event.objects.get(pk=found.pk)


def enter(event: Event, name: str, viewer: str = "aone", network: str = HOUSE) -> Guest:
    return guests.become_guest(event, viewer=viewer, name=name, network=network)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("  Zoé \t Martin\n", "Zoé Martin"),
        ("Ali\u202egro.live", "Aligro.live"),
        ("نیم\u200cفاصله", "نیم\u200cفاصله"),
        ("Ana 👩\u200d🔬", "Ana 👩\u200d🔬"),
        ("Marie", "Marie"),
        ("Curie", "Curie"),
        ("Mariette Curie", "Mariette Curie"),
        ("<b>Ana</b>", "<b>Ana</b>"),
        ("Z" + "\u0301" * 50, "Z" + "\u0301" * 4),
    ],
)
def test_name_is_cleaned(event, typed, shown):
    assert enter(event, typed).name == shown


@pytest.mark.parametrize(
    "name",
    [
        "",
        " \u200b\u2060 ",
        "\u202e",
        "!!! ---",
        "👻",
        "x" * 61,
        "Marie Curie",
        "MARIE  CURIE",
        "Curie Marie",
        "Marie\u00a0Curie",
        "Ma\u200brie Cu\u00adrie",
        "Mârie Cùrie",
        "Маrie Сurie",
        "Μarie Curie",
        "Ⓜⓐⓡⓘⓔ Curie",
        "Marie Curie (officiel)",
        "mcurie",
        "Léo Faure",
        "faure leo",
        "Présentateur",
        "L’équipe de modération",
        "ADMIN",
    ],
)
def test_name_that_shows_nothing_or_is_another_s_is_refused(event, name):
    with pytest.raises(GuestNameError) as refused:
        enter(event, name)
    assert str(refused.value)
    assert not Guest.objects.exists()


def test_name_stays_and_is_of_this_event(event):
    assert enter(event, "Zoé").pk == enter(event, "Ana").pk
    speaker = guest_speaker(event, "aone", HOUSE)
    assert (speaker.name, speaker.role) == ("Zoé", "guest")
    assert guest_speaker(event, "atwo", HOUSE) is None
    assert guest_speaker(make_webinar(gateway=make_gateway()).event, "aone", HOUSE) is None
    event.guests_may_write = False
    assert guest_speaker(event, "aone", HOUSE) is None


def test_hall_behind_one_address_is_welcome_until_it_is_none(event, monkeypatch):
    monkeypatch.setattr(guests, "MOST_FROM_ONE_NETWORK", 3)
    for number in range(3):
        enter(event, f"Zoé {number}", f"a{number}")
    with pytest.raises(ChatError, match="réseau"):
        enter(event, "Zoé 3", "a3")
    enter(event, "Zoé 4", "a4", "10.0.0.2")


def test_nobody_new_comes_from_where_a_guest_was_excluded(event):
    enter(event, "Zoé", "ahonest")
    Restraint.objects.create(event=event, viewer="abad", kind="banned", name="x", network=HOUSE)
    with pytest.raises(ChatError, match="réseau"):
        enter(event, "Ana", "anew")
    # Who is a guest already goes on.
    assert enter(event, "Zoé", "ahonest").name == "Zoé"
    assert guest_speaker(event, "ahonest", HOUSE) is not None
