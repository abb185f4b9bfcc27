"""A live in a page of another site: who may show it, to whom, and how another site learns of it."""

import re
from html import unescape
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from amphi.audience import posters
from amphi.audience.models import Event
from amphi.pages.live import oembed
from amphi.system.configuration import embedding_sites
from amphi.system.environment import InvalidSettingError, Reader
from tests.factories import make_gateway, make_user, make_webinar
from tests.live.test_invitation import upload

SITES = ("https://moodle.univ.fr", "https://*.example.org")
HERE = "https://amphi.univ.fr"
AS_SCRIPT = {"Accept": "application/json"}


@pytest.fixture(autouse=True)
def in_use(settings):
    settings.USE_MEETING_WEBINAR = True
    settings.AMPHI_EMBED_SITES = SITES
    settings.AMPHI_URL = HERE


def event_of(kind: str) -> Event:
    fields = {"restricted": {"is_restricted": True}, "password": {"password": "sésame"}}.get(kind, {})
    event = make_webinar(
        make_user("owner"), gateway=make_gateway(), name="La <radio> & l’onde", **fields
    ).event
    Event.objects.filter(pk=event.pk).update(
        is_draft=kind == "draft", needs_registration=kind == "registration"
    )
    return Event.objects.get(pk=event.pk)


def ask(url: str, **more: str):
    return Client().get(f"/oembed?{urlencode({'url': url, **more})}")


# Whoever asks, an owner who is logged in included: a frame knows nobody.
@pytest.mark.django_db
@pytest.mark.parametrize("person", ["stranger", "owner"])
@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("open", (200, True, 200, 200)),
        ("draft", (404, False, 404, 404)),
        ("restricted", (200, False, 403, 401)),
        ("password", (200, False, 403, 401)),
        ("registration", (200, False, 403, 401)),
    ],
)
def test_matrix_of_other_sites(person, kind, row):
    page, plays, facts, told = row
    event, client = event_of(kind), Client()
    if person == "owner":
        client.force_login(event.owner)
    shown = client.get(reverse("live:embed", args=[event.slug]))
    assert (shown.status_code, b"live-data" in shown.content) == (page, plays)
    assert b"hls" not in shown.content or plays
    url = reverse("live:embed_state", args=[event.slug])
    assert {client.get(url, headers=AS_SCRIPT).status_code, client.get(url).status_code} == {facts}
    answer = client.get("/oembed", {"url": HERE + event.get_absolute_url()})
    assert answer.status_code == told
    assert (event.title in answer.content.decode()) is False or told == 200
    found = event.get_absolute_url()
    if client.get(found).status_code == 200:
        assert (b"application/json+oembed" in client.get(found).content) is plays


@pytest.mark.django_db
def test_only_the_pages_for_frames_may_be_framed_and_only_by_those_sites(client, settings):
    event = event_of("open")
    url = reverse("live:embed", args=[event.slug])
    answer = client.get(url)
    assert f"frame-ancestors 'self' {' '.join(SITES)};" in answer["Content-Security-Policy"]
    assert "X-Frame-Options" not in answer
    assert answer["Set-Cookie"].endswith("; Path=/embed/; Secure; HttpOnly; SameSite=None; Partitioned")
    for other in (event.get_absolute_url(), "/", reverse("live:embed_state", args=[event.slug])):
        answer = client.get(other)
        assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
        assert answer["X-Frame-Options"] == "DENY"
    settings.AMPHI_EMBED_SITES = ()
    assert client.get(url).status_code == 404
    assert ask(HERE + event.get_absolute_url()).status_code == 404
    assert b"oembed" not in client.get(event.get_absolute_url()).content


@pytest.mark.django_db
@pytest.mark.parametrize("given", ["", "abcdefghijklmnop", "a" * 17, "<script>", "u1"])
def test_browser_without_cookies_says_who_it_was(client, given):
    event = event_of("open")
    answer = client.get(reverse("live:embed_state", args=[event.slug]), {"viewer": given, "aside": "1"})
    facts = answer.json()
    assert (facts["viewer"] == given) is (given == "abcdefghijklmnop")
    assert facts["events_url"].endswith("&aside=1")
    assert answer.cookies == {}
    client.cookies["amphi_embed"] = "ponmlkjihgfedcba"
    assert client.get(reverse("live:embed_state", args=[event.slug])).json()["viewer"] == "ponmlkjihgfedcba"
    assert not {"messages", "voices", "csrf", "me"} & set(facts)


@pytest.mark.parametrize(
    ("given", "right"),
    [
        ("https://moodle.univ.fr", True),
        ("https://*.univ.fr, http://127.0.0.1:8080", True),
        ("*", True),
        ("moodle.univ.fr", False),
        ("https://moodle.univ.fr/course", False),
        ("https://a.fr; script-src *", False),
        ("'self'", False),
        ("https://*", False),
    ],
)
def test_sites_are_addresses_of_sites(given, right):
    conf = Reader({"AMPHI_EMBED_SITES": given}, {})
    if right:
        assert embedding_sites(conf, "AMPHI_EMBED_SITES") == tuple(given.split(", "))
    else:
        with pytest.raises(InvalidSettingError, match="is no site"):
            embedding_sites(conf, "AMPHI_EMBED_SITES")


# --- oEmbed


@pytest.mark.django_db
def test_what_another_site_is_told(settings):
    settings.AMPHI_INSTITUTION = "Université d’Exemple"
    event = event_of("open")
    answer = ask(HERE + event.get_absolute_url(), format="json")
    assert answer["Content-Type"] == "application/json"
    assert answer["Cache-Control"] == "public, max-age=300"
    assert answer.json() == {
        "version": "1.0",
        "type": "video",
        "title": "La <radio> & l’onde",
        "provider_name": "Université d’Exemple",
        "provider_url": HERE,
        "cache_age": 300,
        "width": 640,
        "height": 360,
        "html": f'<iframe src="{HERE}/embed/{event.slug}/" width="640" height="360" title="La &lt;radio&gt; &amp; l’onde"'
        ' loading="lazy" allow="autoplay; fullscreen; picture-in-picture" allowfullscreen'
        ' style="border: 0; max-width: 100%"></iframe>',
    }
    assert ask(f"http://amphi.univ.fr/embed/{event.slug}/").json() == answer.json()


@pytest.mark.django_db
def test_wordpress_finds_the_code_by_itself():
    """As its `WP_oEmbed` reads a page whose address somebody pasted, and asks (wp-includes/class-wp-oembed.php)."""
    event = event_of("open")
    page = Client().get(event.get_absolute_url()).content.decode()
    head = page[: page.lower().index("</head>")]
    assert len(head.encode()) < 150 * 1024
    links = [
        dict(re.findall(r'([\w-]+)="([^"]*)"', one)) for one in re.findall("(?is)<link([^<>]+?)/?>", head)
    ]
    (found,) = [unescape(one["href"]) for one in links if one.get("type") == "application/json+oembed"]
    parts = urlsplit(found)
    asked = dict(parse_qsl(parts.query)) | {
        "maxwidth": "500",
        "maxheight": "750",
        "url": HERE + event.get_absolute_url(),
        "dnt": "1",
        "format": "json",
    }
    answer = Client().get(parts.path, asked).json()
    assert (answer["type"], answer["width"]) == ("video", 500)
    # For an unknown provider it keeps what stands on one line, and only some attributes.
    assert re.search("(?m)^.*(<iframe.*?></iframe>).*$", answer["html"])
    assert "\n" not in answer["html"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"format": "xml"}, 501),
        ({"format": "yaml"}, 501),
        ({"url": ""}, 404),
        ({"url": "https://elsewhere.fr/live/x/"}, 404),
        ({"url": f"{HERE}/live/unknown/"}, 404),
        ({"url": f"{HERE}/meetings/x/"}, 404),
        ({"url": "https://[/live/x/"}, 404),
        ({"url": f"{HERE}/live/{'a' * 5000}/"}, 404),
        ({"maxwidth": "wide"}, 400),
        ({"maxwidth": "-5"}, 400),
        ({"maxheight": "0"}, 400),
        ({"maxheight": "9" * 30}, 400),
    ],
)
def test_questions_of_other_sites_that_have_no_answer(given, status):
    event = event_of("open")
    asked = {"url": HERE + event.get_absolute_url(), **given}
    answer = ask(asked.pop("url"), **asked)
    assert answer.status_code == status
    assert "error" in answer.json()


@pytest.mark.parametrize(
    ("max_width", "max_height", "size"),
    [
        ("", "", (640, 360)),
        ("1920", "", (640, 360)),
        ("320", "", (320, 180)),
        ("", "180", (320, 180)),
        ("500", "90", (160, 90)),
    ],
)
def test_frame_keeps_its_shape_within_what_is_given(max_width, max_height, size):
    assert oembed.fit(max_width, max_height) == size


@pytest.mark.django_db
def test_poster_is_told_where_it_fits():
    event = event_of("open")
    posters.keep(event, posters.draw(upload()))
    url = HERE + Event.objects.get(pk=event.pk).get_absolute_url()
    sizes = [
        ask(url, **asked).json().get("thumbnail_width")
        for asked in ({}, {"maxwidth": "800"}, {"maxwidth": "300"})
    ]
    assert sizes == [1280, 480, None]


# --- for presenters


@pytest.mark.django_db
def test_presenter_finds_the_code_to_paste(client, settings):
    event = event_of("open")
    client.force_login(event.owner)
    url = reverse("webinars:options", args=[event.livestream.meeting.slug])

    def page() -> str:
        return client.get(url, headers={"Accept-Language": "fr"}).content.decode()

    assert f"&lt;iframe src=&quot;{HERE}/embed/{event.slug}/&quot;" in page()
    assert "moodle.univ.fr, *.example.org" in page()
    assert "Ce direct n’est pas ouvert à tous" not in page()
    Event.objects.filter(pk=event.pk).update(is_restricted=True)
    assert "Ce direct n’est pas ouvert à tous" in page()
    settings.AMPHI_EMBED_SITES = ()
    assert "AMPHI_EMBED_SITES" in page()
    assert "/embed/" not in page()
