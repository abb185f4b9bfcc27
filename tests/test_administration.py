"""The administration of what others write: shown, deleted, never changed; and what is deleted is told to pages that are open."""

import pytest
from django.contrib import admin
from django.urls import reverse

from amphi.audience import domain, guests, polls, questions
from amphi.audience.models import Airing, Presence, Restraint, StreamMessage
from amphi.pages.admin.read_only import ReadOnly
from tests.audience.hall import hall, listener, told
from tests.factories import in_hours, make_user

pytestmark = pytest.mark.django_db


def test_what_others_write_is_shown_and_deleted(client, settings):
    settings.USE_MEETING_WEBINAR = True
    event = hall(enable_chat=True)
    speaker = listener()
    domain.write_message(event, speaker=speaker, text="un secret")
    questions.ask(event, by=speaker, text="un secret")
    polls.make(event, question="un secret", choices=["a", "b"], multiple=False, opens=True, user=event.owner)
    guests.become_guest(event, viewer="azoe", name="Zoé", network="10.0.0.1")
    Restraint.objects.create(event=event, viewer="azoe", kind="muted", name="Zoé")
    airing = Airing.objects.create(event=event, began_at=in_hours(-1), ended_at=in_hours(0))
    Presence.objects.create(airing=airing, viewer="u1", minutes=1, first_minute=1, last_minute=1)
    client.force_login(make_user(is_superuser=True, is_staff=True))
    shown = {model: one for model, one in admin.site._registry.items() if isinstance(one, ReadOnly)}
    assert {model.__name__ for model in shown} >= {"Message", "Airing", "Presence", "Guest", "Restraint"}
    for model in shown:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        assert client.get(reverse(f"{name}_changelist"), {"q": "zoé"}).status_code == 200
        assert client.get(reverse(f"{name}_add")).status_code == 403
        for row in model._default_manager.all():
            page = reverse(f"{name}_change", args=[row.pk])
            assert client.get(page).status_code == 200
            assert client.post(page, {}).status_code == 403
    for model in (m for m in shown if m.__name__ in {"Message", "Question", "Poll"}):
        rows = [str(row.pk) for row in model._default_manager.all()]
        url = reverse(f"admin:audience_{model._meta.model_name}_changelist")
        client.post(url, {"action": "delete_selected", "_selected_action": rows, "post": "yes"})
        assert not model._default_manager.exists()
    assert not StreamMessage.objects.filter(data__contains="un secret").exists()
    assert told(event, "poll")[-1]["state"] == "draft"
