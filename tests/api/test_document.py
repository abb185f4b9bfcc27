"""The OpenAPI document: what clients were promised, and that each answer keeps to it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from amphi.audience.models import Airing, Replay
from amphi.meetings.models import Session
from tests.api.conftest import bearer
from tests.factories import make_gateway, make_meeting, make_user, make_webinar

pytestmark = pytest.mark.django_db
GOLDEN = Path(__file__).with_name("openapi.json")
EXAMPLES = 4
"""Of each operation."""
FEW = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
# 500 is not documented, so it fails too; 502 is, since no meeting server answers here.
CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def test_document_is_as_it_was_promised(client):
    """To promise something else: write the test's `found` to the file, and the change to CHANGELOG.md."""
    found = json.dumps(client.get("/api/v1/openapi.json").json(), indent=1, ensure_ascii=False) + "\n"
    assert found == GOLDEN.read_text()


def test_no_operation_fails_or_answers_what_is_not_documented(settings_of_meetings):
    """By schemathesis: what fits the document and what does not."""
    make_gateway()
    user = make_user(is_superuser=True)
    live, meeting = make_webinar(user), make_meeting(user)
    airing = Airing.objects.create(event=live.event, began_at=timezone.now())
    known = {
        "meetings": meeting.slug,
        "webinars": live.meeting.slug,
        "events": live.event.slug,
        "airings": airing.pk,
        "replays": Replay.objects.create(airing=airing).pk,
        "sessions": Session.objects.create(meeting=meeting, internal_id="one", started_at=timezone.now()).pk,
    }
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())
    headers = {"Authorization": bearer(user), "Content-Type": "application/json"}
    asked: list[str] = []
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.method != "delete":  # what is there is needed by the others
            FEW(given(case=operation.as_strategy())(check_of(known, headers, asked)))()
    assert len(asked) > EXAMPLES * 20


def check_of(known: dict[str, object], headers: dict[str, str], asked: list[str]):
    """What is done with one case: two of three ask for what is there."""

    def check(case) -> None:
        asked.append(case.path)
        parts = case.path.split("/")
        for name in case.path_parameters or {} if len(asked) % 3 else ():
            case.path_parameters[name] = known[parts[parts.index(f"{{{name}}}") - 1]]
        case.call_and_validate(headers=headers, checks=CHECKS)

    return check


@pytest.fixture
def settings_of_meetings(settings) -> Iterator[None]:
    settings.BBB_API_URL, settings.BBB_SECRET_KEY = "http://127.0.0.1:9/bigbluebutton", "secret"
    settings.AMPHI_API_PER_MINUTE = 1_000_000
    settings.ALLOWED_HOSTS = ["*"]
    # As Django's own test client: the transaction of the test is in this connection.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)
