"""What everybody may read about the service, and whose it is."""

from pathlib import Path

import pytest
from django.conf import settings as platform
from django.urls import reverse

from amphi.mails.domain import Reader, compose
from amphi.system.environment import InvalidSettingError
from amphi.system.logo import MAX_BYTES, Logo, read_logo

pytestmark = pytest.mark.django_db
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture
def university(settings):
    settings.AMPHI_INSTITUTION = "Université <d’Essai>"
    settings.AMPHI_INSTITUTION_URL = "https://univ.example.org"
    settings.AMPHI_HELP = "aide@univ.example.org"
    settings.AMPHI_LEGAL_URL = "https://univ.example.org/mentions"
    settings.AMPHI_PRIVACY_CONTACT = "dpo@univ.example.org"
    return settings


def test_each_page_says_whose_it_is_and_where_help_is(client, university):
    page = client.get("/").content.decode()
    assert "Université &lt;d’Essai&gt;" in page
    for address in (
        "https://univ.example.org",
        "mailto:aide@univ.example.org",
        "https://univ.example.org/mentions",
    ):
        assert f'href="{address}"' in page
    assert reverse("about:accessibility") in page
    assert reverse("about:personal_data") in page


def test_without_settings_nothing_is_promised(client):
    page = client.get("/").content.decode()
    assert "site-institution" not in page
    assert "mailto:" not in page
    assert client.get(reverse("about:logo")).status_code == 404


@pytest.mark.parametrize(
    ("conformity", "said"),
    [("none", "non conforme"), ("partial", "conformité partielle"), ("full", "conformité totale")],
)
def test_statement_says_how_far_it_conforms(client, university, conformity, said):
    university.AMPHI_ACCESSIBILITY = conformity
    university.AMPHI_ACCESSIBILITY_RESULT = "87 % des critères sont respectés (audit du 12 mars 2026)."
    page = client.get(reverse("about:accessibility")).content.decode()
    assert said in page
    assert "87 % des critères" in page
    # Without an address of its own, the statement gives that of help.
    assert "mailto:aide@univ.example.org" in page


def test_personal_data_says_what_is_kept_and_whom_to_ask(client, university):
    page = client.get(reverse("about:personal_data")).content.decode()
    assert "30 jours" in page  # mails, as the worker tidies them
    assert "dpo@univ.example.org" in page


def test_logo_is_served_and_a_drawing_runs_nothing(client, settings):
    settings.AMPHI_LOGO = Logo(SVG, "image/svg+xml")
    answer = client.get(reverse("about:logo"))
    assert (answer.content, answer.headers["content-type"]) == (SVG, "image/svg+xml")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert reverse("about:logo") in client.get("/").content.decode()


@pytest.mark.parametrize(("kind", "shown"), [("image/png", True), ("image/svg+xml", False)])
def test_mails_show_the_logo_where_programs_draw_it(university, kind, shown):
    university.AMPHI_LOGO = Logo(b"", kind)
    mail = compose(
        Reader("ada@example.org"),
        "no_gateway",
        {"name": "Cours", "start_at": None, "end_at": None, "meeting_url": ""},
    )
    assert ("/about/logo" in mail.html) is shown
    assert "Université &lt;d’Essai&gt;" in mail.html


def test_settings_name_nobody_by_default():
    assert platform.AMPHI_LOGO is None
    assert platform.AMPHI_ACCESSIBILITY == "none"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("logo.gif", b"x", "must be a file that ends with one of .svg, .png, .webp, .jpg"),
        ("missing.png", None, "can't be read: No such file or directory"),
        ("big.png", b"x" * (MAX_BYTES + 1), "must have at most 300 kB"),
    ],
)
def test_logo_that_is_none_is_refused_in_one_sentence(tmp_path: Path, name, content, reason):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidSettingError) as refused:
        read_logo(tmp_path / name, "AMPHI_LOGO")
    assert str(refused.value) == f"AMPHI_LOGO: {reason}"


def test_logo_is_read(tmp_path: Path):
    (tmp_path / "logo.PNG").write_bytes(b"png")
    assert read_logo(tmp_path / "logo.PNG", "AMPHI_LOGO") == Logo(b"png", "image/png")
