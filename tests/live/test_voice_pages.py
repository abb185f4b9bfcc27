"""What listeners and presenters do besides writing, as Django answers it."""

import csv
import io
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from amphi.audience import hands, polls, questions
from amphi.audience.domain import new_visitor
from amphi.audience.models import Event, Hand, Poll, Question
from amphi.audience.pace import Pace
from amphi.audience.speakers import Speaker
from amphi.meetings.models import Meeting
from amphi.pages.live import voice_views
from amphi.pages.live.viewers import VISITOR_COOKIE
from tests.audience.hall import hall, listener
from tests.factories import make_user
from tests.webinars.stage import open_stage

pytestmark = pytest.mark.django_db
JSON = {"headers": {"Accept": "application/json"}}


@pytest.fixture(autouse=True)
def in_use(settings):
    settings.USE_MEETING_WEBINAR = True


def visitor() -> Client:
    client = Client()
    client.cookies[VISITOR_COOKIE] = new_visitor()
    return client


def of(by: Speaker) -> Client:
    client = Client()
    client.force_login(by.user)
    return client


def presenter(event: Event) -> Client:
    client = Client()
    client.force_login(event.owner)
    return client


def url(name: str, event: Event, *more: object) -> str:
    return reverse(f"live:{name}", args=[event.slug, *more])


# --- questions and votes


def test_question_by_script_and_by_plain_form():
    event, by = hall(), listener()
    answer = of(by).post(url("ask", event), {"text": "Pourquoi ?", "anonymous": "1"}, **JSON).json()
    assert (answer["text"], answer["own"], answer["state"]) == ("Pourquoi ?", True, "open")
    page = of(by).post(url("ask", event), {"text": "Et après ?"}, follow=True).content.decode()
    assert "Question envoyée" in page or "Question sent" in page
    assert Question.objects.get(text="Pourquoi ?").is_anonymous
    refused = of(by).post(url("ask", event), {"text": " "}, **JSON)
    assert (refused.status_code, refused.json()["error"]) == (422, "invalid")


def test_browser_without_a_name_does_not_vote():
    event = hall()
    question = questions.ask(event, by=listener(), text="?")
    answer = Client().post(url("question_vote", event, question.pk), **JSON)
    assert answer.status_code == 422
    forged = Client()
    forged.cookies[VISITOR_COOKIE] = "x" * 15
    assert forged.post(url("question_vote", event, question.pk), **JSON).status_code == 422


def test_visitors_of_one_address_vote_so_often(monkeypatch):
    monkeypatch.setattr(voice_views, "_visitors_pace", Pace(2, 60, clock=lambda: 0.0))
    event = hall()
    question = questions.ask(event, by=listener(), text="?")
    where = url("question_vote", event, question.pk)
    assert [visitor().post(where, **JSON).status_code for _ in range(3)] == [200, 200, 422]
    assert of(listener()).post(where, **JSON).status_code == 200


def facts(client: Client, event: Event) -> dict:
    return client.get(url("state", event), **JSON).json()["voices"]


def test_page_tells_each_reader_what_is_theirs():
    event = hall(questions_approved=True, enable_hands=True)
    by = listener()
    mine = questions.ask(event, by=by, text="à moi")
    other = questions.ask(event, by=listener("Inès"), text="autre")
    questions.set_state(event, other.pk, "open")
    questions.vote(event, other.pk, viewer=by.viewer, wanted=True)
    poll = polls.make(event, question="?", choices=["a", "b"], multiple=False, opens=True, user=by.user)
    polls.vote(event, poll.pk, viewer=by.viewer, positions=[1])
    hands.raise_hand(event, by=by, word="un mot")
    said, others = facts(of(by), event), facts(visitor(), event)
    assert [(one["id"], one["own"], one.get("voted")) for one in said["asked"]] == [
        (str(other.pk), False, True),
        (str(mine.pk), True, None),
    ]
    assert [(one["id"], one["own"], one["voted"]) for one in others["asked"]] == [
        (str(other.pk), False, False)
    ]
    assert (said["polls"][0]["chosen"], others["polls"][0]["chosen"]) == ([1], [])
    assert (said["hand"]["word"], others["hand"]) == ("un mot", None)
    assert "un mot" not in json.dumps(others)


# --- presenters


def test_presenters_see_every_name_and_listeners_do_not():
    event, by = hall(), listener("Hugo")
    questions.ask(event, by=by, text="<script>1</script>", anonymous=True)
    seen = presenter(event).get(url("desk", event)).content.decode()
    assert "Hugo" in seen
    assert "&lt;script&gt;1&lt;/script&gt;" in seen
    assert "Hugo" not in json.dumps(facts(visitor(), event))


@pytest.mark.parametrize("count", [1, 3])
def test_page_of_presenters_costs_no_query_a_question(django_assert_max_num_queries, count):
    event = hall()
    for number in range(count):
        questions.ask(event, by=listener(), text=f"{number} ?")
    client = presenter(event)
    client.get(url("desk", event))
    with django_assert_max_num_queries(14):
        client.get(url("desk", event) + "?part=1")


def test_poll_that_can_not_be_is_given_back_as_typed():
    event = hall()
    page = presenter(event).post(url("voices_new_poll", event), {"question": "Qui ?", "choices": "seul"})
    assert page.status_code == 422
    assert "Qui ?" in page.content.decode()
    assert "seul" in page.content.decode()
    presenter(event).post(
        url("voices_new_poll", event), {"question": "Qui ?", "choices": "a\r\n\r\nb", "open": "1"}
    )
    assert list(Poll.objects.values_list("state", flat=True)) == ["open"]


@pytest.mark.parametrize("name", ["voices_question", "voices_poll", "voices_hand"])
def test_action_that_is_none_is_not_found(name):
    event = hall(enable_hands=True)
    more = {
        "voices_question": lambda: questions.ask(event, by=listener(), text="?").pk,
        "voices_poll": lambda: (
            polls.make(
                event, question="?", choices=["a", "b"], multiple=False, opens=True, user=event.owner
            ).pk
        ),
        "voices_hand": lambda: hands.raise_hand(event, by=listener()).token,
    }[name]()
    assert presenter(event).post(url(name, event, more), {"action": "explode"}).status_code == 404


# --- the stage


@pytest.fixture
def stage(settings):
    stage, server = open_stage()
    settings.BBB_API_URL = stage.url + "/bigbluebutton"
    settings.BBB_SECRET_KEY = "secret"
    yield stage
    server.shutdown()
    server.server_close()


def invited(**columns) -> tuple[Event, Speaker, Hand]:
    event, by = hall(enable_hands=True, **columns), listener("Hugo")
    Meeting.objects.filter(livestream__event=event).update(started_at=timezone.now(), ended_at=None)
    hand = hands.raise_hand(event, by=by)
    return event, by, hands.invite(event, hand.token)


def test_invited_listener_enters_the_meeting_as_a_viewer_and_comes_back(stage, settings):
    event, by, hand = invited()
    client = of(by)
    assert "form-action 'self' http: https:" in client.get(url("stage", event))["Content-Security-Policy"]
    answer = client.post(url("stage", event))
    parts = urlsplit(answer["Location"])
    told = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert parts.path == "/bigbluebutton/api/join"
    assert (told["role"], told["fullName"], told["userID"]) == ("VIEWER", "Hugo", f"stage-{hand.token}")
    assert told["logoutURL"] == settings.AMPHI_URL + event.get_absolute_url()
    assert told["userdata-bbb_listen_only_mode"] == "false"
    assert hands.of_viewer(event.pk, by.viewer).state == "on_stage"
    # A meeting server that knows no address of return for one person sends them to the meeting's goodbye.
    meeting = Meeting.objects.get(livestream__event=event)
    left = reverse("meetings:left", args=[meeting.slug])
    assert client.get(left)["Location"] == event.get_absolute_url()
    assert visitor().get(left).status_code == 200


def test_nobody_enters_by_the_invitation_of_another(stage):
    event, by, hand = invited()
    assert of(listener()).post(url("stage", event))["Location"] == event.get_absolute_url()
    hands.lower_other(event, hand.token)
    assert of(by).post(url("stage", event))["Location"] == event.get_absolute_url()


def test_stage_of_a_meeting_that_does_not_run_keeps_the_invitation(stage):
    event, by, _hand = invited()
    Meeting.objects.update(ended_at=timezone.now())
    assert of(by).post(url("stage", event))["Location"] == event.get_absolute_url()
    assert hands.of_viewer(event.pk, by.viewer).state == "invited"


# --- files


FORMULA = '=HYPERLINK("http://evil.example","x")'


@pytest.fixture
def spoken() -> Event:
    from amphi.audience.domain import write_message  # noqa: PLC0415 -- only here

    event, by = hall(), listener("=Hugo")
    write_message(event, user=by.user, text=FORMULA)
    questions.ask(event, by=by, text=FORMULA, anonymous=True)
    poll = polls.make(event, question=FORMULA, choices=["+1", "@b"], multiple=False, opens=True, user=by.user)
    polls.vote(event, poll.pk, viewer="u1", positions=[1])
    return event


@pytest.mark.parametrize(("what", "rows"), [("chat", 1), ("questions", 1), ("polls", 2)])
def test_files_hold_no_formula(spoken, what, rows):
    text = presenter(spoken).get(url("export", spoken, what, "csv")).content.decode()
    table = list(csv.reader(io.StringIO(text.removeprefix("\ufeff")), delimiter=";"))
    assert len(table) == rows + 1
    assert "'" + FORMULA in table[1]
    assert not [cell for row in table for cell in row if cell.startswith(("=", "+", "-", "@"))]
    told = presenter(spoken).get(url("export", spoken, what, "json")).json()[what]
    assert len(told) == rows
    assert FORMULA in told[0].values()


@pytest.mark.parametrize("path", ["people.csv", "chat.xls", "chat."])
def test_file_that_is_none(spoken, path):
    assert (
        presenter(spoken).get(url("export", spoken, "chat", "csv").replace("chat.csv", path)).status_code
        == 404
    )


@pytest.mark.parametrize("what", ["question", "poll", "hand"])
def test_administration_shows_them_and_changes_nothing(what):
    event = hall(enable_hands=True)
    question = questions.ask(event, by=listener(), text="?")
    made = {
        "question": question,
        "poll": polls.make(
            event, question="?", choices=["a", "b"], multiple=False, opens=True, user=event.owner
        ),
        "hand": hands.raise_hand(event, by=listener()),
    }
    client = Client()
    client.force_login(make_user(is_superuser=True, is_staff=True))
    assert client.get(f"/admin/audience/{what}/").status_code == 200
    assert client.get(f"/admin/audience/{what}/{made[what].pk}/change/").status_code == 200
    assert client.get(f"/admin/audience/{what}/add/").status_code == 403
