import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amphi.bigbluebutton import chat
from amphi.bigbluebutton.webhooks import ChatMessage


def units(text):
    return len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize(
    ("text", "limit", "pieces"),
    [
        ("", 5, []),
        ("   ", 5, []),
        ("abcde", 5, ["abcde"]),
        (" abcde ", 5, ["abcde"]),
        ("aa bb cc", 5, ["aa bb", "cc"]),
        ("aa bb cc", 4, ["aa", "bb", "cc"]),
        ("abcde fg", 5, ["abcde", "fg"]),
        ("abcdefgh ij", 5, ["abcde", "fgh", "ij"]),
        ("aa\nbb\ncc", 5, ["aa\nbb", "cc"]),
        ("😀😀😀", 4, ["😀😀", "😀"]),
        ("aaae\u0301b", 4, ["aaa", "e\u0301b"]),
        ("ab👩\u200d🔬c", 6, ["ab", "👩\u200d🔬c"]),
    ],
)
def test_split_message(text, limit, pieces):
    assert chat.split_message(text, limit) == pieces


@given(st.text(alphabet=st.sampled_from("ab \n😀é\u0301\u200d"), max_size=200), st.integers(2, 20))
def test_split_message_loses_nothing_but_spaces(text, limit):
    pieces = chat.split_message(text, limit)
    assert all(1 <= units(piece) <= limit for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


def test_split_message_at_the_limit_of_the_server():
    words = " ".join(["mot"] * 1000)
    pieces = chat.split_message(words)
    assert all(len(piece) <= 500 for piece in pieces)
    assert " ".join(pieces) == words


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("plain", "plain"),
        ("l’été &amp; l&#39;hiver &lt;b&gt;", "l’été & l'hiver <b>"),
        ("<b>gras</b> et <i>penché</i>", "gras et penché"),
        (
            'voir <a href="https://x.fr/?a=1&amp;b=2" rel="nofollow"><u>https://x.fr/?a=1&amp;b=2</u></a>',
            "voir https://x.fr/?a=1&b=2",
        ),
        ("un<br>deux<br/>trois", "un\ndeux\ntrois"),
        ("<p>un</p><p>deux</p>", "un\n\ndeux"),
        ("<script>alert(1)</script>après", "après"),
        ("<style>p{}</style><img src=x onerror=alert(1)>après", "après"),
        ("1 < 2 et 3 > 2", "1 < 2 et 3 > 2"),
        ("a &nbsp; b", "a b"),
        ("", ""),
        ("<b>non fermé", "non fermé"),
    ],
)
def test_strip_html(html, text):
    assert chat.strip_html(html) == text


@given(st.text(alphabet=st.sampled_from("<>&;/!-='\" abscript#x1\n")))
def test_strip_html_takes_anything(text):
    assert isinstance(chat.strip_html(text), str)


def message(user_id, external_id, name="Zoé"):
    return ChatMessage(
        id="1",
        text="x",
        sender_name=name,
        sender_user_id=user_id,
        sender_external_id=external_id,
        is_public=True,
        meeting_id="m",
    )


@pytest.mark.parametrize(
    ("sent", "echo"),
    [
        (message("Zoé", ""), True),
        (message("w_1", "u7"), False),
        (message("w_1", ""), False),
        (message("Zoé", "u7"), False),
        (message("w_2", "bot-9"), True),
        (message("System", ""), False),
    ],
)
def test_is_echo(sent, echo):
    assert chat.is_echo(sent, {"Zoé", "Max"}, bot_user_ids={"bot-9"}) is echo


@pytest.mark.parametrize(
    ("sent", "echo"), [(message("Zoé", ""), True), (message("w_1", ""), False), (message("Zoé", "u7"), False)]
)
def test_is_echo_of_any_name(sent, echo):
    assert chat.is_echo(sent) is echo


@pytest.mark.parametrize(
    "text",
    [
        "<" * 50_000,
        "<!--" * 20_000,
        "<a href='" * 10_000,
        "<a " * 20_000,
        '<a b="' * 10_000,
        "<script>" * 10_000,
        "</" * 25_000,
        "&" * 50_000,
        "<p>" * 20_000,
        "<a x=" + "'" * 50_000,
        " \t" * 30_000 + "x",
        "<" + "a" * 50_000,
    ],
    ids=lambda text: text[:8],
)
def test_strip_html_takes_no_longer_for_what_is_made_to_be_slow(text):
    began = time.process_time()
    chat.strip_html(text)
    # A tenth of a second on a slow machine; what grows with the square of the length would take minutes.
    assert time.process_time() - began < 5


def test_strip_html_is_bounded():
    assert len(chat.strip_html("x" * 10_000_000)) == chat.LONGEST_HTML


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("Bonjour, ça va ?", "Bonjour, ça va ?"),
        ("*gras* et _penché_", r"\*gras\* et \_penché\_"),
        ("[ici](https://x.fr)", r"\[ici\](https://x.fr)"),
        ("![](https://x.fr/a.png)", r"!\[\](https://x.fr/a.png)"),
        ("voir https://x.fr/a_b_c?d=~e#f", "voir https://x.fr/a_b_c?d=~e#f"),
        ("# titre", r"\# titre"),
        ("C#", r"C\#"),
        ("- un\n+ deux\n3. trois\n4) quatre", "\\- un\n\\+ deux\n3\\. trois\n4\\) quatre"),
        ("Titre\n===", "Titre\n\\==="),
        ("    code", "code"),
        ("`code` ~~barré~~ a|b", r"\`code\` \~\~barré\~\~ a\|b"),
        ("<b>", r"\<b\>"),
        ("> cité", r"\> cité"),
        ("R&D &lt; &amp;", r"R&D \&lt; \&amp;"),
        ("a\\*b", r"a\\\*b"),
        ("-5 °C, 1.5", r"\-5 °C, 1.5"),
        ("", ""),
    ],
)
def test_as_markdown(text, markdown):
    assert chat.as_markdown(text) == markdown


@given(st.text(alphabet=st.sampled_from("a *_[]()<>#&;-1.\n\\😀|~`"), max_size=300), st.integers(8, 60))
def test_pieces_fit_when_they_are_escaped(text, limit):
    pieces = chat.split_message(text, limit, units=chat.markdown_units)
    lines = text.count("\n") + 1
    for piece in pieces:
        # A line that begins as a list does takes one more sign.
        assert units(chat.as_markdown(piece)) <= limit + 1
    assert lines
    assert "".join("".join(pieces).split()) == "".join(text.split())
