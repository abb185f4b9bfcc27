"""JSON that is nested deeper than Python follows, wherever strangers' JSON is read: it is refused like any other nonsense."""

import base64
from types import SimpleNamespace

import pytest
from starlette.requests import Request

from amphi.audience import reactions, reception
from amphi.classroom import socket as classroom
from amphi.gateway.bodies import json_object
from amphi.gateway.exceptions import InvalidRequestError
from amphi.lti import platform_keys, registering, services
from amphi.lti.exceptions import LtiError
from amphi.pod import client as pod
from amphi.pod.exceptions import PodError
from amphi.system.tickets import InvalidTicketError, verify

DEPTH = 60_000
BOMBS = {
    "lists": b"[" * DEPTH,
    "whole lists": b"[" * (DEPTH // 2) + b"]" * (DEPTH // 2),
    "objects": b'{"a":' * (DEPTH // 5),
    "mixed": b'[{"a":' * (DEPTH // 6),
}
each_bomb = pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)


@each_bomb
@pytest.mark.parametrize("parse", [reactions.parse, reception.parse])
def test_reports_of_pages(parse, bomb):
    with pytest.raises(ValueError, match=r"\w"):
        parse(bomb)


@each_bomb
async def test_body_at_the_gateway(bomb):
    async def receive() -> dict:
        return {"type": "http.request", "body": bomb, "more_body": False}

    with pytest.raises(InvalidRequestError):
        await json_object(Request({"type": "http", "method": "PUT", "headers": []}, receive))


@each_bomb
def test_token_of_a_learning_platform(bomb):
    head = base64.urlsafe_b64encode(bomb).rstrip(b"=").decode()
    with pytest.raises(LtiError):
        platform_keys.key_of(f"{head}.e30.AAAA", "https://moodle.univ.fr/keys")


@each_bomb
def test_answers_of_other_systems(bomb):
    answer = SimpleNamespace(body=bomb, status=200)
    with pytest.raises(LtiError):
        services._json(bomb)
    with pytest.raises(PodError):
        pod._object(answer)
    caller = SimpleNamespace(call=lambda *_, **__: answer)
    with pytest.raises(LtiError):
        registering._json(caller, "GET", "https://moodle.univ.fr/")


@each_bomb
def test_message_in_a_classroom_is_left_out(bomb):
    classroom._act(SimpleNamespace(), SimpleNamespace(), SimpleNamespace(present=True), bomb.decode())


@each_bomb
def test_ticket_that_nobody_signed_is_not_parsed(bomb):
    payload = base64.urlsafe_b64encode(bomb).rstrip(b"=").decode()
    with pytest.raises(InvalidTicketError):
        verify(b"key", f"{payload}.AAAA", now=0)
