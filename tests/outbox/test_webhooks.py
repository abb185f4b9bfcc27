"""What other systems are told: written with the change, delivered once, tried again, given up."""

import json
from datetime import timedelta

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from amphi.audience import registration
from amphi.audience.models import Registration, RegistrationRules
from amphi.mails.models import Mail
from amphi.meetings import presence
from amphi.meetings.models import Meeting
from amphi.outbox import domain, signing
from amphi.outbox.models import Delivery, Endpoint, Kind
from amphi.webinars import transitions
from amphi.webinars.models import Livestream
from amphi.worker import tidying, webhooks
from tests.factories import make_gateway, make_user, make_webinar
from tests.wire import answer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def webinars_on(settings) -> None:
    settings.USE_MEETING_WEBINAR = True
    settings.AMPHI_WEBHOOKS_PRIVATE = True


def endpoint(url: str = "https://hooks.example.org/amphi", **fields) -> Endpoint:
    return Endpoint.objects.create(name="Emploi du temps", url=url, secret=signing.new_secret(), **fields)


def deliver_due() -> list[bool]:
    return [webhooks.deliver(lease) for lease in webhooks.claim_due(limit=99)]


def kinds() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("kind", flat=True))


def apply(livestream: Livestream, *triggers: str) -> None:
    for trigger in triggers:
        assert transitions.apply(livestream, trigger, user=None)


# --- what is told


def test_life_of_a_webinar_is_told_in_its_transactions(settings, tmp_path):
    settings.RECORDINGS = tmp_path
    endpoint()
    make_gateway()
    live = make_webinar()
    apply(live, transitions.GO_LIVE, transitions.MEDIA_SEEN, transitions.MEDIA_LOST, transitions.MEDIA_SEEN)
    Meeting.objects.update(started_at=timezone.now())
    presence.note_end(Meeting.objects.get())
    presence.note_end(Meeting.objects.get())
    apply(live, transitions.MEETING_ENDED, transitions.GATEWAY_IDLE)
    expected = ["planned", "started", "live", "ended", "stopped"]
    assert [kind for kind in kinds() if kind != Kind.REPLAY] == [f"webinar.{name}" for name in expected]
    assert kinds().count(Kind.REPLAY) == 1
    said = json.loads(Delivery.objects.get(kind=Kind.LIVE).body)
    assert said["type"] == "webinar.live"
    assert said["data"]["webinar"]["slug"] == live.meeting.slug
    assert said["data"]["webinar"]["event_url"].endswith(live.event.get_absolute_url())
    replay = json.loads(Delivery.objects.get(kind=Kind.REPLAY).body)["data"]["replay"]
    assert replay["event"] == live.event.slug


def test_registration_is_told(settings):
    endpoint(kinds=[Kind.REGISTERED])
    event = make_webinar().event
    RegistrationRules.objects.create(event=event, is_open=True)
    row = Registration.objects.create(
        event=event, address="ada@univ.fr", name="Ada", language="fr", told_start_at=event.start_at
    )
    registration.confirm(row)
    registration.confirm(row)
    (delivery,) = Delivery.objects.all()
    assert json.loads(delivery.body)["data"]["registration"]["email"] == "ada@univ.fr"


def test_what_is_rolled_back_is_not_told():
    endpoint()
    with transaction.atomic():
        domain.tell(Kind.LIVE, dict)
        transaction.set_rollback(True)
    assert not Delivery.objects.exists()


def test_only_what_an_endpoint_wants_and_not_without_end(monkeypatch):
    monkeypatch.setattr(domain, "MOST_WAITING", 1)
    endpoint(kinds=[Kind.LIVE])
    endpoint(is_active=False)
    assert [domain.tell(kind, dict) for kind in (Kind.STARTED, Kind.LIVE, Kind.LIVE)] == [0, 1, 0]


# --- how it is delivered


def test_delivery_is_signed_and_made_once(serve):
    server = serve(lambda _request: answer("", "204 No Content"))
    made = endpoint(server.url + "/hook")
    domain.tell(Kind.LIVE, lambda: {"webinar": {"name": "Écoles"}})
    assert deliver_due() == [True]
    assert deliver_due() == []
    (request,) = server.requests
    assert Webhook(made.secret).verify(request.body, request.headers)["data"]["webinar"]["name"] == "Écoles"
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.attempts, delivery.attempt_at) == (204, 1, None)
    assert delivery.delivered_at is not None


def test_delivery_is_tried_again_ever_more_rarely_with_the_same_id(serve):
    server = serve(lambda _request: answer("", "500 Broken"))
    endpoint(server.url)
    domain.tell(Kind.LIVE, dict)
    for pause in (*webhooks.PAUSES, None):
        Delivery.objects.update(attempt_at=timezone.now())
        assert deliver_due() == [False]
        delivery = Delivery.objects.get()
        if pause is None:
            assert delivery.attempt_at is None
        else:
            assert abs(delivery.attempt_at - timezone.now() - pause) < timedelta(minutes=1)
    assert (
        len(
            {
                {name.lower(): said for name, said in request.headers.items()}["webhook-id"]
                for request in server.requests
            }
        )
        == 1
    )
    assert Endpoint.objects.get().failing_since is not None


def test_redirection_is_not_followed(serve):
    elsewhere = serve(lambda _request: answer(""))
    server = serve(lambda _request: answer("", "302 Found", Location=elsewhere.url))
    endpoint(server.url)
    domain.tell(Kind.LIVE, dict)
    assert deliver_due() == [False]
    assert (Delivery.objects.get().status, elsewhere.requests) == (302, [])


def test_private_address_is_not_called_unless_a_setting_allows_it(serve, settings):
    settings.AMPHI_WEBHOOKS_PRIVATE = False
    server = serve(lambda _request: answer(""))
    endpoint(server.url)
    endpoint(server.url.replace("127.0.0.1", "localhost"))
    domain.tell(Kind.LIVE, dict)
    assert deliver_due() == [False, False]
    assert server.requests == []
    assert {one.last_error.partition(":")[0] for one in Delivery.objects.all()} == {"ForbiddenAddressError"}


@pytest.mark.parametrize("answers", [500, 410])
def test_endpoint_that_fails_for_long_is_switched_off_and_told_of(serve, answers):
    make_user(is_superuser=True)
    server = serve(lambda _request: answer("", f"{answers} Broken"))
    made = endpoint(server.url)
    domain.tell(Kind.LIVE, dict)
    domain.tell(Kind.STOPPED, dict)
    if answers == 500:
        Endpoint.objects.update(failing_since=timezone.now() - webhooks.GIVEN_UP_AFTER)
    webhooks.deliver(webhooks.claim_due(limit=1)[0])
    made.refresh_from_db()
    assert (made.is_active, made.disabled_at is None) == (False, False)
    assert deliver_due() == []
    assert "Emploi du temps" in Mail.objects.get().subject


def test_success_ends_the_time_of_failures(serve):
    server = serve(lambda _request: answer(""))
    endpoint(server.url, failing_since=timezone.now() - timedelta(days=4))
    domain.tell(Kind.LIVE, dict)
    assert deliver_due() == [True]
    assert Endpoint.objects.get().failing_since is None


def test_deliveries_go_after_a_month_but_not_those_still_to_be_made():
    endpoint()
    for _ in range(2):
        domain.tell(Kind.LIVE, dict)
    Delivery.objects.update(created_at=timezone.now() - timedelta(days=31))
    Delivery.objects.filter(pk=Delivery.objects.first().pk).update(attempt_at=None)
    tidying.tidy()
    assert Delivery.objects.count() == 1


# --- in the administration


def test_administration_makes_an_endpoint_and_shows_its_secret_in_that_form_alone(client):
    client.force_login(make_user(is_superuser=True, is_staff=True))
    page = client.get(reverse("admin:outbox_endpoint_add"))
    secret = page.context["adminform"].form["new_secret"].value()
    signing.key_of(secret)
    given = {"name": "SI", "url": "https://si.univ.fr/h", "new_secret": secret, "is_active": "on"}
    assert client.post(reverse("admin:outbox_endpoint_add"), given).status_code == 302
    made = Endpoint.objects.get()
    assert made.secret == secret
    assert secret not in client.get(reverse("admin:outbox_endpoint_change", args=[made.pk])).content.decode()
    wrong = client.post(reverse("admin:outbox_endpoint_add"), given | {"new_secret": "whsec_x"})
    assert wrong.status_code == 200


def test_administration_shows_deliveries_and_sends_them_again(client):
    client.force_login(make_user(is_superuser=True, is_staff=True))
    endpoint()
    domain.tell(Kind.LIVE, dict)
    Delivery.objects.update(attempt_at=None, attempts=10, last_error="HTTP 500", status=500)
    url = reverse("admin:outbox_delivery_changelist")
    assert "HTTP 500" in client.get(url).content.decode()
    chosen = {"action": "send_again", "_selected_action": [Delivery.objects.get().pk]}
    assert client.post(url, chosen).status_code == 302
    delivery = Delivery.objects.get()
    assert (delivery.attempts, delivery.attempt_at is None) == (0, False)
