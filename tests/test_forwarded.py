"""A proxy that nobody named is said once."""

import pytest

from amphi.pages.forwarded import UnknownProxies


def scope(client: str, *forwarded: str) -> dict:
    return {"client": (client, 1), "headers": [(b"x-forwarded-for", one.encode()) for one in forwarded]}


def test_unknown_proxy_is_said_once(caplog):
    proxies = UnknownProxies()
    for _ in range(3):
        proxies.look(scope("10.0.0.5", "192.0.2.1"))
    assert [record.args for record in caplog.records] == [("10.0.0.5",)]


@pytest.mark.parametrize(
    "request_",
    [
        # uvicorn believed the proxy, and put the visitor in its place.
        scope("192.0.2.1", "192.0.2.1"),
        scope("192.0.2.1", "198.51.100.9, 192.0.2.1"),
        scope("192.0.2.1"),
        {"client": None, "headers": [(b"x-forwarded-for", b"192.0.2.1")]},
    ],
)
def test_known_proxy_and_none_are_not_said(caplog, request_):
    UnknownProxies().look(request_)
    assert not caplog.records
