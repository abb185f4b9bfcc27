"""Repairs ill-formed XML from BigBlueButton.

BigBlueButton copies names and metadata into its answers as people typed them, so one name with a control character makes the whole
answer ill-formed: https://github.com/bigbluebutton/bigbluebutton/issues/10818. Characters that XML 1.0 forbids
(https://www.w3.org/TR/xml/#charsets) are removed; everything else stays.
"""

import html
import re

_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ENCODING = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
# Sections in which "&" and "<" need no escape. One without an end goes on to the end of the text, so that nothing is read twice.
_CDATA = re.compile(r"(<!\[CDATA\[.*?(?:\]\]>|\Z))", re.DOTALL)
_AMPERSAND = re.compile(r"&(#[0-9]{1,8};|#[xX][0-9A-Fa-f]{1,7};|[A-Za-z][A-Za-z0-9]{0,31};)?")
_TAG_WITH_A_DIGIT = re.compile(r"<(/?)(?=[0-9])")
_OF_XML = {"amp;", "lt;", "gt;", "quot;", "apos;"}
_PAIR = re.compile(r"[\ud800-\udbff][\udc00-\udfff]")


def legal(body: bytes) -> str:
    """The text of an answer, without characters that XML 1.0 forbids.

    Args:
        body: an answer that the parser refused.

    Raises:
        LookupError: it declares an unknown encoding.
    """
    encoding = _ENCODING.match(body.lstrip(b"\xef\xbb\xbf \t\r\n"))
    text = body.decode(encoding[1].decode() if encoding else "utf-8", "replace").lstrip("\ufeff")
    # Parsers refuse an encoding declaration in decoded text.
    text = re.sub(r"^\s*<\?xml[^>]{0,200}\?>", "", text)
    pieces = _CDATA.split(_FORBIDDEN.sub("", text))
    pieces[::2] = [_outside_cdata(piece) for piece in pieces[::2]]
    # Character references may stand for forbidden characters too.
    return _FORBIDDEN.sub("", _PAIR.sub(_one_character, "".join(pieces)))


def _outside_cdata(text: str) -> str:
    return _AMPERSAND.sub(_reference, _TAG_WITH_A_DIGIT.sub(r"<\1_", text))


def _reference(found: re.Match[str]) -> str:
    name = found[1] or ""
    if name.startswith("#"):
        number = int(name[2:-1], 16) if name[1] in "xX" else int(name[1:-1])
        character = chr(number) if number <= 0x10FFFF else ""  # noqa: PLR2004 -- the last code point
        return html.escape(character)
    if name in _OF_XML:
        return found[0]
    # HTML has more named references than XML; an unknown name is a plain ampersand.
    meant = html.unescape(found[0]) if name else "&"
    return html.escape(meant)


def _one_character(pair: re.Match[str]) -> str:
    """The character of a surrogate pair. Java writes characters above U+FFFF as two references, both illegal in XML."""
    return pair[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le")
