"""Which of SIPMediaGW's dialects a server speaks, found out without starting anything."""

import pytest

from amphi.sipmediagw import (
    GatewayUnauthorizedError,
    NotAGatewayError,
    connect,
    detect,
)
from tests.contract.sipmediagw_upstream import TOKEN, Launcher, Proxy
from tests.wire import answer


@pytest.mark.parametrize(
    ("upstream", "dialect"),
    [(Launcher("1.5"), "A"), (Launcher("1.6"), "B"), (Launcher("1.7"), "B"), (Proxy({}), "D")],
    ids=["1.5", "1.6", "1.7", "1.8"],
)
def test_detect_starts_nothing(serve, upstream, dialect):
    wire = serve(upstream)
    assert detect(wire.url, TOKEN) == dialect
    assert connect("auto", wire.url, TOKEN).dialect == dialect
    assert getattr(upstream, "rooms", {}) == {}


@pytest.mark.parametrize("version", ["1.5", "1.6", "1.7"])
def test_detect_with_a_wrong_token(serve, version):
    with pytest.raises(GatewayUnauthorizedError):
        detect(serve(Launcher(version)).url, "another")


@pytest.mark.parametrize(
    "reply",
    [
        answer("<html>It works!</html>", content_type="text/html"),
        answer({"detail": "Not Found"}, "404 Not Found"),
        answer({"ok": True}),
        answer("", "301 Moved Permanently", Location="https://elsewhere/"),
    ],
    ids=["html", "fastapi", "json", "redirect"],
)
def test_detect_of_something_else(serve, reply):
    with pytest.raises(NotAGatewayError):
        detect(serve(lambda _: reply).url, TOKEN)
