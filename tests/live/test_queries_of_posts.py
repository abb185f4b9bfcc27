"""What thousands send at once asks the database little: a bound for each, and nothing is asked twice."""

import re
import uuid

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from amphi.audience import domain, guests, questions
from amphi.audience.models import Event
from tests.audience.hall import hall, listener

pytestmark = pytest.mark.django_db

HERE = "127.0.0.1"


@pytest.fixture
def event(settings) -> Event:
    settings.USE_MEETING_WEBINAR = True
    return hall(enable_questions=True, enable_chat=True, guests_may_write=True)


def asked(client: Client, address: str, data: dict[str, str]) -> list[str]:
    """The queries of one post. Savepoints cost no look at a table."""
    with CaptureQueriesContext(connection) as queries:
        answer = client.post(address, data, headers={"Accept": "application/json"})
    assert answer.status_code in {200, 201}, answer.content
    said = [query["sql"] for query in queries.captured_queries]
    return [sql for sql in said if not re.match(r"(RELEASE )?SAVEPOINT|BEGIN|COMMIT", sql)]


@pytest.mark.parametrize("who", ["account", "guest"])
@pytest.mark.parametrize(
    ("what", "most"),
    [("messages", 11), ("questions", 14), ("vote", 10), ("react", 10)],
)
def test_hot_post_asks_little(client, event, who, what, most):
    speaker = listener()
    message = domain.write_message(event, speaker=speaker, text="Bonjour")
    question = questions.ask(event, by=speaker, text="Pourquoi ?")
    if who == "account":
        client.force_login(listener("Ada").user)
    else:
        client.cookies["amphi_viewer"] = "0123456789abcdef"
        guests.become_guest(event, viewer="a0123456789abcdef", name="Zoé", network=HERE)
    data = {
        "messages": {"text": "Bonsoir", "id": str(uuid.uuid4()), "reply_to": str(message.pk)},
        "questions": {"text": "Comment ?", "id": str(uuid.uuid4())},
        "vote": {"wanted": "1"},
        "react": {"message": str(message.pk), "kind": "clap", "wanted": "1"},
    }[what]
    place = f"questions/{question.pk}/vote" if what == "vote" else what
    queries = asked(client, f"/live/{event.slug}/{place}", data)
    assert len(queries) <= most, "\n".join(queries)
