"""What the page shows once the live is over."""

import json

import pytest
from django.urls import reverse

from amphi.audience import afterwards
from amphi.audience.exceptions import SurveyAddressError
from amphi.audience.models import Event, Message, Poll, Question
from amphi.webinars.models import State
from tests.audience.hall import hall, told
from tests.factories import make_user

CHOSEN = {
    "after_text": "Merci <b>à tous</b>\u202e\nÀ lundi",
    "survey_url": "https://enquetes.univ.fr/s?id=4",
    "conversation_stays": "on",
}


@pytest.fixture
def event(db, settings) -> Event:
    settings.USE_MEETING_WEBINAR = True
    return hall(State.STOPPED, enable_chat=True)


@pytest.fixture
def save(event, client):
    client.force_login(event.owner)
    slug = event.livestream.meeting.slug

    def post(**fields):
        return client.post(reverse("webinars:change_options", args=[slug, "afterwards"]), fields)

    return post


def say(event: Event) -> None:
    """Something in each part of the conversation."""
    user = make_user()
    message = Message.objects.create(
        event=event, source="meeting", author_name="Marie", text="Bonjour à tous"
    )
    Event.objects.filter(pk=event.pk).update(pinned=message)
    Question.objects.create(
        event=event, viewer=f"u{user.pk}", author=user, author_name="Hugo", text="Pourquoi ?"
    )
    Poll.objects.create(event=event, question="Oui ou non ?", state="open")


def facts(page) -> dict:
    text = page.content.decode().split('id="live-data" type="application/json">')[1].split("</script>")[0]
    return json.loads(text)


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://enquetes.univ.fr/s?id=4", "enquetes.univ.fr"),
        ("https://ENQUETES.univ.fr:8443", "enquetes.univ.fr"),
        ("https://аpple.example/x", "xn--pple-43d.example"),
        ("https://[2001:db8::1]/", "2001:db8::1"),
    ],
)
def test_host_is_shown_in_ascii(address, host):
    assert afterwards.host_of(address) == host


@pytest.mark.parametrize(
    "address",
    [
        "",
        "http://enquetes.univ.fr/",
        "javascript:alert(1)",
        "data:text/html,x",
        "//enquetes.univ.fr/",
        "https://",
        "https:///path",
        "https://univ.fr@evil.example/",
        "https://univ.fr:secret@evil.example/",
        "https://[univ.fr/",
        "https://univ.fr:99999/",
        "https://univ.fr/a b",
        "https://univ.fr\n/",
        "https://" + "a" * 70 + ".fr/",
    ],
)
def test_other_addresses_are_refused(address):
    with pytest.raises(SurveyAddressError):
        afterwards.host_of(address)


def test_what_was_chosen_is_shown_and_told(event, save, client):
    assert save(**CHOSEN).status_code == 302
    assert told(event, "after") == [
        {
            "text": "Merci <b>à tous</b>\nÀ lundi",
            "survey": {"url": "https://enquetes.univ.fr/s?id=4", "host": "enquetes.univ.fr"},
            "conversation": True,
        }
    ]
    page = client.get(event.get_absolute_url())
    said = page.content.decode()
    assert "Merci &lt;b&gt;à tous&lt;/b&gt;\nÀ lundi</p>" in said
    assert 'rel="noopener noreferrer" href="https://enquetes.univ.fr/s?id=4"' in said
    assert '<span id="after-host">enquetes.univ.fr</span>' in said
    assert facts(page)["after"] == told(event, "after")[0]


def test_nothing_chosen_is_our_thanks(event, client):
    page = client.get(event.get_absolute_url())
    assert facts(page)["after"] == {"text": "", "survey": None, "conversation": True}
    assert "Merci de votre participation.</p>" in page.content.decode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"survey_url": "http://enquetes.univ.fr"},
        {"survey_url": "javascript:alert(1)"},
        {"survey_url": "https://univ.fr@evil.example/"},
        {"survey_url": "https://univ.fr/" + "a" * 500},
        {"after_text": "a" * 501},
    ],
)
def test_wrong_choice_is_refused_and_what_was_typed_stays(event, save, wrong):
    answer = save(**{**CHOSEN, "after_text": "Merci", **wrong})
    assert answer.status_code == 422
    assert next(iter(wrong.values())) in answer.content.decode()
    assert told(event, "after") == []
    assert Event.objects.get(pk=event.pk).survey_url == ""


def test_address_without_its_scheme_is_an_https_one(event, save):
    assert save(survey_url="enquetes.univ.fr").status_code == 302
    assert Event.objects.get(pk=event.pk).survey_url == "https://enquetes.univ.fr"


def test_address_of_the_administration_that_is_none_leads_nowhere(event, client):
    Event.objects.update(survey_url="http://univ.fr/")
    assert facts(client.get(event.get_absolute_url()))["after"]["survey"] is None


@pytest.mark.parametrize("stays", [True, False])
@pytest.mark.parametrize("state", [State.LIVE, State.STOPPED])
def test_conversation_is_all_there_or_not_at_all(settings, client, db, state, stays):
    settings.USE_MEETING_WEBINAR = True
    event = hall(state, enable_chat=True, conversation_stays=stays)
    say(event)
    page = client.get(event.get_absolute_url())
    answers = [facts(page), client.get(reverse("live:state", args=[event.slug])).json()]
    shown = state == State.LIVE or stays
    for found in answers:
        parts = [found["messages"], found["pinned"], found["voices"]["asked"], found["voices"]["polls"]]
        assert [bool(part) for part in parts] == [shown] * 4
    text = page.content.decode()
    assert ("Bonjour à tous" in text, "Pourquoi ?" in text) == (shown, shown)
