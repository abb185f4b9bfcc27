"""BBB's XML replies, built without I/O."""

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

Value = str | int | bool | Mapping[str, "Value"] | Sequence["Value"]

# XML 1.0 can't represent most control characters, which users can type.
_FORBIDDEN = {code: None for code in range(32) if chr(code) not in "\t\n\r"} | {0xFFFE: None, 0xFFFF: None}


def _text(value: str | int) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    # A lone surrogate can't be encoded in UTF-8.
    clean = str(value).translate(_FORBIDDEN).encode("utf-8", "replace").decode()
    return escape(clean)


def element(name: str, value: Value) -> str:
    """One element: a mapping becomes children, a sequence becomes repeated elements, a bool ``true`` or ``false``."""
    if isinstance(value, Mapping):
        inner = "".join(element(key, child) for key, child in value.items())
        return f"<{name}>{inner}</{name}>" if inner else f"<{name}/>"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "".join(element(name, item) for item in value)
    return f"<{name}>{_text(value)}</{name}>" if value != "" else f"<{name}></{name}>"


def success(fields: Mapping[str, Value]) -> str:
    """A reply whose returncode is SUCCESS."""
    return element("response", {"returncode": "SUCCESS", **fields})


def failure(key: str, message: str) -> str:
    """A reply whose returncode is FAILED."""
    return element("response", {"returncode": "FAILED", "messageKey": key, "message": message})
