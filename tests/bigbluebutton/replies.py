"""Replies as BigBlueButton's API gives them."""

from tests.wire import answer

SECRET = "639259d4-9dd8-4b25-bf01-95f9567eaf4b"


def xml(body: str) -> bytes:
    return answer(f"<response>{body}</response>", content_type="text/xml;charset=utf-8")


def success(body: str = "") -> bytes:
    return xml(f"<returncode>SUCCESS</returncode>{body}")


def failed(key: str, message: str = "…") -> bytes:
    return xml(f"<returncode>FAILED</returncode><messageKey>{key}</messageKey><message>{message}</message>")
