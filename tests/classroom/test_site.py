import base64
import functools
import html
import http.server
import json
import re
import struct
import threading
from pathlib import Path

import pytest

import amphi.classroom
from amphi.classroom import pages, pdf
from amphi.classroom.exceptions import InvalidDocumentError
from tests.classroom.conftest import pdf as make_pdf
from tests.classroom.conftest import wait_for

PACKAGE = Path(amphi.classroom.__file__).parent


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        ("", "", "en"),
        ("", "fr", "fr"),
        ("", "fr-CA,en;q=0.5", "fr"),
        ("", "de, fr;q=0.4, en;q=0.7", "en"),
        ("", "de, fr;q=0.8, en;q=0.7", "fr"),
        ("", "fr;q=0, en;q=0.1", "en"),
        ("", "fr;q=nonsense", "en"),
        ("fr", "en", "fr"),
        ("en-GB", "fr", "en"),
        ("de", "fr", "fr"),
    ],
)
def test_language(asked, accepted, language):
    assert pages.choose_language(asked, accepted) == language


def test_every_string_is_used_and_in_two_languages():
    source = "".join(
        path.read_text() for path in PACKAGE.rglob("*") if path.suffix in {".py", ".js", ".html"}
    )
    for key, texts in pages.CATALOGUE.items():
        assert set(texts) == {"en", "fr"}, key
        assert all(texts.values()), key
        assert re.search(rf"\b{key}\b", source), f"{key} is not used"


def test_french_typography():
    for key, texts in pages.CATALOGUE.items():
        text = texts["fr"].replace("http://", "")
        assert not re.search(r"(?<!\u202f)[:;!?»]|'| :", text), key


@pytest.mark.parametrize(
    "path", ["/", "/html5client/ended", "/html5client/refused?key=maxParticipantsReached"]
)
@pytest.mark.parametrize(("language", "sandbox"), [("fr", "Bac à sable"), ("en", "Sandbox")])
def test_pages_say_sandbox_and_bigbluebutton(classroom, path, language, sandbox):
    page = classroom.client.get(classroom.url + path, headers={"accept-language": language}).text
    assert f'<html lang="{language}"' in page
    assert sandbox in page
    assert "BigBlueButton" in page


def test_room_page_is_safe(classroom):
    classroom.create(name='<script>alert("x")</script>', welcome="<b>hello</b>")
    page = classroom.get(classroom.join('"><script>')["url"])
    assert "<script>alert" not in page.text
    assert "script-src 'self';" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "no-referrer"


def test_refusal_never_repeats_what_it_was_given(classroom):
    for query in (
        "key=<b>",
        'errors=[{"key":"<b>","message":"<b>"}]',
        "errors=nonsense",
        "errors=[]",
        "errors=[1]",
    ):
        page = classroom.get(f"{classroom.url}/html5client/refused?{query}")
        assert page.status_code == 200
        assert "<b>" not in page.text
        assert 'data-key=""' in page.text


def test_room_without_session(classroom):
    assert classroom.get(f"{classroom.url}/html5client/?sessionToken=x").status_code == 404


def test_room_after_the_end(classroom):
    classroom.create()
    url = classroom.join()["url"]
    classroom.call("end", meetingID="physics")
    assert 'data-meeting-state="ended"' in classroom.get(url).text


@pytest.mark.parametrize(
    ("profile", "parameters", "view"),
    [
        ("3.0", {}, "full"),
        ("3.0", {"bot": "true"}, "clean"),
        ("4.0", {"bot": "true"}, "clean"),
        ("3.0", {"enforceLayout": "MEDIA_ONLY"}, "clean"),
        ("3.0", {"userdata-bbb_hide_nav_bar": "true", "userdata-bbb_hide_actions_bar": "true"}, "clean"),
        ("2.7", {"bot": "true", "enforceLayout": "MEDIA_ONLY"}, "full"),
        ("2.7", {"userdata-bbb_hide_nav_bar": "true", "userdata-bbb_hide_actions_bar": "true"}, "clean"),
    ],
)
def test_clean_view(serve, profile, parameters, view):
    classroom = serve(profile)
    classroom.create()
    assert f'data-view="{view}"' in classroom.get(classroom.join(**parameters)["url"]).text


def test_locale_and_title_of_the_caller(classroom):
    classroom.create()
    userdata = {"userdata-bbb_override_default_locale": "fr", "userdata-bbb_client_title": "Le direct"}
    page = classroom.get(classroom.join(**userdata)["url"]).text
    assert '<html lang="fr"' in page
    assert "<title>Le direct</title>" in page


def upload(classroom, token, content, name="slides.pdf"):
    url = f"{classroom.url}/html5client/slides?sessionToken={token}"
    return classroom.client.post(url, files={"file": (name, content, "application/pdf")})


def test_slides(classroom, enter):
    classroom.create()
    ada, bob = enter(classroom, "Ada", password="mp"), enter(classroom, "Bob")
    assert upload(classroom, ada.token, make_pdf(3), "Cours n° 1.pdf").status_code == 201
    slides = bob.receive("slides")["slides"]
    (document,) = slides["documents"]
    assert (document["name"], document["pages"], slides["current"], slides["page"]) == (
        "Cours n° 1.pdf",
        3,
        document["id"],
        1,
    )
    ada.send("slides", document=document["id"], page=3)
    assert bob.receive("slides")["slides"]["page"] == 3
    ada.send("slides", document=document["id"], page=4)
    assert ada.receive("error")["reason"] == "slides_no_such_page"
    bob.send("slides", document=document["id"], page=1)
    assert bob.receive("error")["reason"] == "moderators_only"
    ada.send("slides", hidden=True)
    assert bob.receive("slides")["slides"]["hidden"]
    address = f"{classroom.url}/html5client/slides/{document['id']}"
    picture = classroom.get(f"{address}/3.png?sessionToken={bob.token}")
    assert picture.content.startswith(b"\x89PNG")
    assert struct.unpack(">II", picture.content[16:24]) == (1600, 900)
    assert classroom.get(f"{address}/4.png?sessionToken={bob.token}").status_code == 404
    assert classroom.get(f"{address}/1.png").status_code == 403


def test_slides_stay_in_their_meeting(classroom, enter):
    classroom.create()
    classroom.create("chemistry")
    ada, eve = enter(classroom, "Ada", password="mp"), enter(classroom, "Eve", meeting_id="chemistry")
    upload(classroom, ada.token, make_pdf(1))
    (document,) = ada.receive("slides")["slides"]["documents"]
    url = f"{classroom.url}/html5client/slides/{document['id']}/1.png?sessionToken={eve.token}"
    assert classroom.get(url).status_code == 404


def test_upload_refused(classroom, enter):
    classroom.create()
    ada, bob = enter(classroom, "Ada", password="mp"), enter(classroom, "Bob")
    assert upload(classroom, bob.token, make_pdf(1)).status_code == 403
    assert upload(classroom, "guessed", make_pdf(1)).status_code == 403
    for content in (b"", b"not a PDF", b"%PDF-1.4 broken"):
        answer = upload(classroom, ada.token, content)
        assert (answer.status_code, answer.json()) == (400, {"error": "slides_not_pdf"})
    assert upload(classroom, ada.token, b"%PDF-" + bytes(pdf.MAX_PDF_BYTES + 100_000)).status_code == 413
    url = f"{classroom.url}/html5client/slides?sessionToken={ada.token}"
    assert classroom.client.post(url, content=iter([b"a"])).status_code == 411
    for _ in range(10):
        assert upload(classroom, ada.token, make_pdf(1)).status_code == 201
    assert upload(classroom, ada.token, make_pdf(1)).json() == {"error": "slides_too_many"}


def test_too_many_pages(monkeypatch):
    monkeypatch.setattr(pdf, "MAX_PAGES", 2)
    with pytest.raises(InvalidDocumentError, match="slides_too_long"):
        pdf.count_pages(make_pdf(3))


def test_pre_uploaded_presentation(classroom, enter):
    query = {"name": "Physics", "meetingID": "physics", "moderatorPW": "mp"}
    content = base64.b64encode(make_pdf(2)).decode()
    body = (
        f'<modules><module name="presentation"><document name="a.pdf">{content}</document></module></modules>'
    )
    answer = classroom.client.post(
        classroom.signed("create", **query), content=body, headers={"content-type": "application/xml"}
    )
    assert "SUCCESS" in answer.text
    ada = enter(classroom, "Ada", password="mp")
    slides = ada.seen[0]["slides"]
    if not slides["current"]:
        slides = ada.receive("slides")["slides"]
    assert slides["documents"][0]["name"] == "a.pdf"


def test_insert_document_by_address(classroom, enter, tmp_path, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # the environment's proxies are left alone
    (tmp_path / "b.pdf").write_bytes(make_pdf(2))

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_arguments):
            pass

    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as files:
        thread = threading.Thread(target=files.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        classroom.create()
        ada = enter(classroom, "Ada")
        url = f"http://127.0.0.1:{files.server_port}/b.pdf"
        body = f'<modules><module name="presentation"><document url="{url}"/></module></modules>'
        headers = {"content-type": "application/xml"}
        answer = classroom.client.post(
            classroom.signed("insertDocument", meetingID="physics"), content=body, headers=headers
        )
        assert "SUCCESS" in answer.text
        assert ada.receive("slides")["slides"]["documents"][0]["pages"] == 2
        files.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "path",
    [
        "bootstrap/css/bootstrap.min.css",
        "icons/bootstrap-icons.min.css",
        "static/room.js",
        "static/strings.json",
    ],
)
def test_files(classroom, path):
    assert classroom.get(f"{classroom.url}/html5client/{path}").status_code == 200


def test_files_outside_are_not_served(classroom):
    assert classroom.get(f"{classroom.url}/html5client/static/..%2fconfig.py").status_code == 404


def test_settings_of_the_page(classroom):
    classroom.create(muteOnStart="true")
    page = classroom.get(classroom.join(password="mp")["url"]).text
    settings = json.loads(html.unescape(re.search(r'name="classroom-settings" content="([^"]*)"', page)[1]))
    assert (settings["moderator"], settings["muteOnStart"], settings["clean"]) == (True, True, False)


def test_meeting_with_no_one_is_forgotten(serve):
    classroom = serve(speed=600)
    classroom.create()
    wait_for(lambda: classroom.info().key == "notFound", "the end")
