"""A copy of a webinar is set up like its model; nobody has registered for it, and nothing was said in it."""

import pytest
from django.urls import reverse
from django.utils import timezone

from amphi.audience import domain, moderation, posters, registration
from amphi.audience.models import Event, Registration
from amphi.meetings.models import Meeting
from amphi.webinars.copying import COPIED
from amphi.webinars.models import Livestream, State
from tests.factories import in_hours, make_gateway, make_user, make_webinar, put
from tests.live.test_invitation import upload
from tests.meetings.pages import form_data

pytestmark = pytest.mark.django_db

OF_THE_FORM = {
    "title",
    "description",
    "start_at",
    "end_at",
    "is_restricted",
    "password",
    "enable_chat",
    "owner",
}
OF_THE_LIVE = {"state", "since", "stream_held_since", "is_backstage", "pinned", "broadcaster", "is_draft"}
OF_ITSELF = {"id", "slug", "calendar_sequence", "calendar_stamp"}


@pytest.fixture
def model(settings) -> Livestream:
    settings.USE_MEETING_WEBINAR = True
    livestream = make_webinar(make_user("marie", affiliation="staff"))
    event = livestream.event
    Event.objects.filter(pk=event.pk).update(
        speakers="Ève", chat_mode="slow", slow_s=77, held_words="spam", enable_hands=True, after_text="Merci"
    )
    event.moderators.add(make_user("leo"))
    posters.keep(event, posters.draw(upload()))
    registration.set_rules(event, is_required=True, is_open=True, capacity=9, questions=["Pourquoi ?*"])
    Registration.objects.create(event=event, address="a@example.org", name="A", told_start_at=event.start_at)
    return livestream


def test_every_column_is_copied_or_the_copy_s_own():
    columns = {field.name for field in Event._meta.concrete_fields}
    assert columns == set(COPIED) | OF_THE_FORM | OF_THE_LIVE | OF_ITSELF


def test_copy_is_set_up_like_its_model(model, client):
    put(model, State.LIVE)
    written = domain.write_message(Event.objects.get(pk=model.event_id), user=model.meeting.owner, text="Ici")
    moderation.pin(Event.objects.get(pk=model.event_id), written.pk)
    make_gateway("another")
    client.force_login(model.meeting.owner)
    address = reverse("meetings:duplicate", args=[model.meeting.slug])
    page = client.get(address, headers={"Accept-Language": "fr"})
    assert "La copie reprend aussi" in page.content.decode()
    data = form_data(name="La suite", is_webinar="on", start_at="2031-05-05T10:00", duration="60")
    answer = client.post(address, data)
    copied = Meeting.objects.get(name="La suite")
    assert answer["Location"] == copied.get_absolute_url()
    old, new = Event.objects.get(pk=model.event_id), copied.livestream.event
    assert {name: getattr(new, name) for name in COPIED} == {name: getattr(old, name) for name in COPIED}
    assert list(new.moderators.all()) == list(old.moderators.all())
    assert bytes(new.poster.full) == bytes(old.poster.full)
    assert (new.registration_rules.capacity, new.registration_rules.questions) == (9, ["Pourquoi ?*"])
    assert (new.registrations.count(), new.messages.count(), new.pinned) == (0, 0, None)
    # The model is as it was.
    assert (old.registrations.count(), old.registration_rules.capacity, old.poster.pk) == (1, 9, old.pk)


def test_copy_that_becomes_a_meeting_is_one(model, client):
    client.force_login(model.meeting.owner)
    data = form_data(name="Sans direct", start_at=in_hours(99).strftime("%Y-%m-%dT%H:%M"))
    client.post(reverse("meetings:duplicate", args=[model.meeting.slug]), data)
    assert not Livestream.objects.filter(meeting__name="Sans direct").exists()
    assert (
        client.post(reverse("meetings:duplicate", args=[model.meeting.slug]), {"name": ""}).status_code == 422
    )


def test_copy_without_a_gateway_keeps_the_options_for_when_it_has_one(model, client):
    client.force_login(model.meeting.owner)
    start = timezone.localtime(model.starts_at).strftime("%Y-%m-%dT%H:%M")
    data = form_data(name="La même heure", is_webinar="on", start_at=start, duration="60")
    address = reverse("meetings:duplicate", args=[model.meeting.slug])
    page = client.post(address, data, headers={"Accept-Language": "fr"}, follow=True).content.decode()
    assert "Les options de webinaire sont conservées" in page
    copied = Meeting.objects.get(name="La même heure")
    assert not copied.is_webinar
    # Another time, chosen in the form or among those that are offered.
    data |= {"start_at": "2031-05-05T10:00"}
    client.post(reverse("meetings:edit", args=[copied.slug]), data)
    copied = Meeting.objects.get(pk=copied.pk)
    old, new = Event.objects.get(pk=model.event_id), copied.livestream.event
    assert {name: getattr(new, name) for name in COPIED} == {name: getattr(old, name) for name in COPIED}
    assert list(new.moderators.all()) == list(old.moderators.all())
    assert copied.copied_from is None
    # What is changed afterwards is the copy's own.
    Event.objects.filter(pk=new.pk).update(slow_s=5)
    client.post(reverse("meetings:edit", args=[copied.slug]), data | {"duration": "90"})
    new.refresh_from_db()
    assert new.slow_s == 5
