"""Walks all addresses with all methods, as all kinds of people, without a token of CSRF: nothing may break, and nothing be written."""

import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND")
SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}
WRITES = re.compile(r"\s*(INSERT INTO|UPDATE|DELETE FROM) \"(\w+)\"", re.IGNORECASE)
OWN_KEYS = {"captioner", "signed", "token", "launched"}
"""Rules of requests that prove by something else than a cookie who sends them."""
IN_THE_ADDRESS = {"live:unsubscribe"}
"""Mail programs press this without a page of ours (RFC 8058): what proves who sends it stands in the address."""
COUNTED = {"django_session", "audience_attempt", "accounts_attempt"}
"""What an anonymous request may leave: its session, and that it tried."""


def addresses(slug: str) -> Iterator[tuple[str, str, str]]:
    """The name, the rule and an example of every address, but for the administration's."""
    yield from _below(get_resolver(), "", "/", slug)


def _below(resolver: URLResolver, namespace: str, before: str, slug: str) -> Iterator[tuple[str, str, str]]:
    for entry in resolver.url_patterns:
        here = before + _example(entry.pattern, slug)
        if isinstance(entry, URLPattern):
            rule = getattr(entry.callback, "access_rule", "")
            yield f"{namespace}{entry.name or entry.pattern}", rule, quote(here)
        elif entry.namespace != "admin":
            yield from _below(
                entry, f"{namespace}{entry.namespace}:" if entry.namespace else namespace, here, slug
            )


def _example(pattern: Any, slug: str) -> str:
    values = {"slug": slug, "int": "1", "uuid": str(uuid.UUID(int=1)), "str": "x"}
    return re.sub(r"<(?:(\w+):)?(\w+)>", lambda found: values.get(found[1] or "str", "1"), str(pattern))


class Walk:
    """What came of asking everything.

    Args:
        slug: of a webinar's event and its meeting.
        clients: a client for each kind of people; each enforces CSRF's token.
    """

    def __init__(
        self, slug: str, clients: dict[str, Callable[[], Client]], methods: Sequence[str] = METHODS
    ) -> None:
        self.asked = 0
        self.addresses = 0
        self.wrong: list[str] = []
        self._written: list[str] = []
        with connection.execute_wrapper(self._look):
            for name, rule, path in addresses(slug):
                self.addresses += 1
                for person, client in clients.items():
                    for method in methods:
                        self._send(client(), method, path, person=person, name=name, rule=rule)

    def _look(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if found := WRITES.match(sql):
            self._written.append(found[2])
        return execute(sql, params, many, context)

    def _send(self, client: Client, method: str, path: str, *, person: str, name: str, rule: str) -> None:
        self._written.clear()
        self.asked += 1
        client.raise_request_exception = False
        answer = client.generic(method, path)
        status = answer.status_code
        self.wrong += [f"{method} {name} as {person}: {fault}" for fault in _faults_of(answer.headers)]
        written = set(self._written) - COUNTED
        what = f"{method} {name} as {person}: {status}"
        if status >= 500:
            self.wrong.append(what)
        elif method in SAFE or rule in OWN_KEYS:
            return
        elif status < 300 and name not in IN_THE_ADDRESS:
            self.wrong.append(f"{what}, without a token")
        elif written:
            self.wrong.append(f"{what}, and {sorted(written)} were written")


def _faults_of(headers: Mapping[str, str]) -> Iterator[str]:
    """What a page lacks of the headers that each must have."""
    if not headers.get("Content-Type", "").startswith("text/html"):
        return
    policy = dict(
        part.strip().split(" ", 1)
        for part in headers.get("Content-Security-Policy", "").split(";")
        if " " in part.strip()
    )
    if policy.get("script-src") != "'self'" or {policy.get("object-src"), policy.get("base-uri")} != {
        "'none'"
    }:
        yield f"a policy of {policy or 'nothing'}"
    if policy.get("require-trusted-types-for") != "'script'":
        yield "texts become HTML unseen"
    if "frame-ancestors" not in policy:
        yield "anybody may frame it"
    if headers.get("X-Content-Type-Options") != "nosniff":
        yield "its type may be guessed"
    if "origin" not in headers.get("Referrer-Policy", ""):
        yield "its address is told to other sites"
