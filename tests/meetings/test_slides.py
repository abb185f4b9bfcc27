"""Slides: checked by content, fetched by a signed address that expires, forgotten with their meeting."""

import time
from pathlib import Path

import pytest
from django.core import signing
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from amphi.bigbluebutton import Presentation
from amphi.meetings import join, slides
from amphi.meetings.models import Meeting
from tests.factories import make_meeting, make_user
from tests.meetings.pages import form_data, local

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    settings.AMPHI_URL = "https://amphi.univ.fr"
    return tmp_path


@pytest.fixture
def marie(client):
    user = make_user()
    client.force_login(user)
    return user


def upload(name: str = "cours.pdf", content: bytes = PDF) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="application/pdf")


def add(client, **fields) -> Meeting:
    client.post("/meetings/add/", form_data(**{"new_slides": upload(), **fields}))
    return Meeting.objects.get()


def test_slides_are_given_to_the_meeting_server_by_an_address_that_works(client, marie):
    meeting = add(client, new_slides=upload("Cours n° 1 – été.PDF"))
    (presentation,) = join._presentations(meeting)
    assert presentation.name == "Cours n 1 été.pdf"
    assert presentation.current
    client.logout()
    response = client.get(presentation.url.removeprefix("https://amphi.univ.fr"))
    assert (response["Content-Type"], b"".join(response.streaming_content)) == ("application/pdf", PDF)


def test_address_is_signed_and_expires(client, marie, monkeypatch):
    meeting = add(client)
    token = slides.signed_url(meeting).split("/")[-2]
    assert slides.meeting_of(token) == meeting
    assert slides.meeting_of(token[:-1] + ("a" if token[-1] != "a" else "b")) is None
    assert slides.meeting_of(signing.dumps([meeting.pk, meeting.slides.name])) is None
    assert client.get(reverse("meetings:slides", args=["x", "x.pdf"])).status_code == 404
    later = time.time() + 3601
    monkeypatch.setattr(time, "time", lambda: later)
    assert slides.meeting_of(token) is None


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + PDF,
        b"\r\n\r\n" + PDF,
        b"\x1b%-12345X@PJL JOB\r\n@PJL ENTER LANGUAGE=PDF\r\n" + PDF,
        PDF + bytes(4096),
        PDF + b"\r\n<!-- served by an old web server -->\r\n",
        PDF.replace(b"%%EOF\n", b"startxref\n9\n"),
        PDF.replace(b"%%EOF\n", b"%%EOF") + PDF,
    ],
)
def test_slides_as_real_programs_write_them(client, marie, content):
    assert add(client, new_slides=upload(content=content)).slides_name == "cours.pdf"


@pytest.mark.parametrize(
    "content",
    [b"", b"MZ\x90", b"<html>%PDF-1.7 %%EOF</html>", b"%PDF-1.7 without an end", PDF + b"x" * 40_000],
)
def test_what_is_no_pdf_is_refused_whatever_it_is_called(client, marie, content):
    response = client.post("/meetings/add/", form_data(new_slides=upload(content=content)))
    assert response.status_code == 422
    assert list(response.context["form"].errors) == ["new_slides"]
    assert not Meeting.objects.exists()


def test_what_is_too_large_is_refused(client, marie, monkeypatch):
    monkeypatch.setattr(slides, "LARGEST_BYTES", 10)
    assert client.post("/meetings/add/", form_data(new_slides=upload())).status_code == 422


def test_slides_stay_until_they_are_replaced_or_removed(
    client, marie, folder, django_capture_on_commit_callbacks
):
    meeting = add(client)
    url = reverse("meetings:edit", args=[meeting.slug])
    data = form_data(start_at=local(meeting.start_at))

    def files() -> int:
        return len(list((folder / "slides").iterdir()))

    client.post(url, data)
    meeting.refresh_from_db()
    before = meeting.slides.name
    assert (meeting.slides_name, files()) == ("cours.pdf", 1)
    with django_capture_on_commit_callbacks(execute=True):
        client.post(url, data | {"new_slides": upload("autre.pdf")})
    meeting.refresh_from_db()
    assert (meeting.slides_name, files(), meeting.slides.name != before) == ("autre.pdf", 1, True)
    with django_capture_on_commit_callbacks(execute=True):
        client.post(url, data | {"remove_slides": "on"})
    meeting.refresh_from_db()
    assert (bool(meeting.slides), meeting.slides_name, files()) == (False, "", 0)


def test_slides_go_with_their_meeting(client, marie, folder, django_capture_on_commit_callbacks):
    meeting = add(client)
    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse("meetings:delete", args=[meeting.slug]))
    assert list((folder / "slides").iterdir()) == []


# --- how much one person may keep


def files(folder: Path) -> int:
    return sum(one.is_file() for one in folder.rglob("*"))


@pytest.mark.parametrize(("limit", "most"), [("MOST_FILES", 2), ("MOST_BYTES", 2 * len(PDF))])
def test_slides_of_one_person_are_limited(client, folder, monkeypatch, limit, most):
    client.force_login(make_user())
    monkeypatch.setattr(slides, limit, most)
    for _ in range(2):
        assert client.post("/meetings/add/", form_data(new_slides=upload())).status_code == 302
    page = client.post("/meetings/add/", form_data(new_slides=upload()))
    assert page.status_code == 422
    assert "limite par personne" in page.content.decode()
    assert (Meeting.objects.count(), files(folder)) == (2, 2)
    # What one has may be replaced, and others have their own.
    meeting = Meeting.objects.first()
    url = reverse("meetings:edit", args=[meeting.slug])
    assert client.post(url, form_data(new_slides=upload("autre.pdf"))).status_code == 302
    client.force_login(make_user())
    assert client.post("/meetings/add/", form_data(new_slides=upload())).status_code == 302


def test_slides_that_are_removed_count_no_more(client, marie, monkeypatch):
    monkeypatch.setattr(slides, "MOST_BYTES", len(PDF))
    meeting = add(client)
    url = reverse("meetings:edit", args=[meeting.slug])
    client.post(url, form_data(remove_slides="on"))
    assert client.post("/meetings/add/", form_data(new_slides=upload())).status_code == 302


@pytest.mark.parametrize(
    ("setting", "url"),
    [
        ("https://univ.fr/charte/fond%20bleu.pdf", "https://univ.fr/charte/fond%20bleu.pdf"),
        ("charte/fond bleu.pdf", "https://amphi.univ.fr/static/charte/fond%20bleu.pdf"),
    ],
)
def test_meeting_without_slides_has_those_of_the_settings(settings, setting, url):
    settings.MEETING_PRE_UPLOAD_SLIDES = setting
    expected = [Presentation(name="fond bleu.pdf", url=url, current=True)]
    assert join._presentations(make_meeting()) == expected
    settings.MEETING_PRE_UPLOAD_SLIDES = ""
    assert join._presentations(make_meeting()) == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "etc passwd.pdf"),
        (".pdf", "slides.pdf"),
        ("a<b>&.pdf", "a b.pdf"),
        ("é" * 300, "é" * 100 + ".pdf"),
    ],
)
def test_names(given, kept):
    assert slides.name_of(given) == kept
