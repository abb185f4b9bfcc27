import shutil
import subprocess
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amphi.sipmediagw import inert
from amphi.sipmediagw.inert import spoken_by

DANGEROUS = set("$`\\\"'|&;<>(){}[]*#~^\n\r\t\0")


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("Bonjour à tous, ça va ? Oui !", "Bonjour à tous, ça va ? Oui !"),
        ("l'été d’Éloïse", "l’été d’Éloïse"),
        ("$(reboot)", "💲❨reboot❩"),
        ("`id`; rm -rf /", "ˋidˋ⁏ rm -rf /"),
        ("a && b | c > d", "a ⅋⅋ b ∣ c › d"),
        ('say "hi"\\n', "say ”hi”⧵n"),
        ("＄（ｉｄ）", "💲❨id❩"),
        ("un\ndeux\x00\x1b[31mtrois", "un deux❲31mtrois"),
        ("-rf tout", "–rf tout"),
        ("  deux   espaces\u00a0fines\u202f! ", "deux espaces fines !"),
        ("\u202egnirts\u200b", "gnirts"),
        ("日本語 عربى 😀", "日本語 عربى 😀"),
        ("voir https://x.fr/a_b-c?d=1%20", "voir https://x.fr/a_b-c?d=1%20"),
        ("", ""),
    ],
)
def test_inert(text, result):
    assert inert(text) == result


@given(st.text())
def test_inert_has_nothing_dangerous_in_any_form(text):
    result = inert(text)
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert not DANGEROUS & set(unicodedata.normalize(form, result))
    assert not result.startswith("-")
    assert inert(result) == result


@given(st.text(alphabet=st.characters(codec="utf-8", categories=["P", "S", "Z", "Cc", "Cf"])))
def test_inert_punctuation(text):
    assert not DANGEROUS & set(unicodedata.normalize("NFKC", inert(text)))


@pytest.mark.parametrize("quote", ["", '"', "'"], ids=["bare", "double", "single"])
@pytest.mark.parametrize(
    "text",
    [
        "$(touch owned)",
        "`touch owned`",
        "x; touch owned",
        "x' ; touch owned #",
        'x" ; touch owned #',
        "x\ntouch owned",
        "x > owned",
    ],
)
def test_inert_text_in_a_shell_does_nothing(tmp_path, quote, text):
    shell = shutil.which("sh")
    printed = subprocess.run(
        [shell, "-c", f"echo {quote}{inert(text)}{quote}"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
        timeout=60,
        text=True,
    )
    assert printed.stdout.strip() == inert(text)
    assert printed.stderr == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("author", "said"), [("Zoé", "Zoé: x"), ("", "x"), (" ", "x"), ("$(id)", "💲❨id❩: x")]
)
def test_spoken_by(author, said):
    assert spoken_by(author, "x") == said
