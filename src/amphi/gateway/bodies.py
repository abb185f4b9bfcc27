"""Reads JSON request bodies of limited size."""

import json
from enum import StrEnum
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

from amphi.gateway.exceptions import InvalidRequestError

MAX_BODY_BYTES = 65_536
Choice = TypeVar("Choice", bound=StrEnum)


async def json_object(request: Request) -> dict[str, Any]:
    """The body as an object.

    Raises:
        InvalidRequestError: it is too long, or not a JSON object.
    """
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise InvalidRequestError(f"a body has at most {MAX_BODY_BYTES} bytes")
    except ClientDisconnect:
        raise InvalidRequestError("the client left before the body ended") from None
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidRequestError("the body is not JSON") from None
    if not isinstance(value, dict):
        raise InvalidRequestError("the body is not a JSON object")
    return value


def text_field(
    body: dict[str, Any], name: str, *, default: str | None = None, max_characters: int = 4096
) -> str:
    """A text field of the body.

    Raises:
        InvalidRequestError: it is missing without a default, not a text, or too long.
    """
    value = body.get(name, default)
    if not isinstance(value, str) or len(value) > max_characters:
        raise InvalidRequestError(f"{name} must be a text of at most {max_characters} characters")
    return value


def flag_field(body: dict[str, Any], name: str, *, default: bool | None = None) -> bool:
    """A boolean field of the body.

    Raises:
        InvalidRequestError: it is missing without a default, or not a boolean.
    """
    value = body.get(name, default)
    if not isinstance(value, bool):
        raise InvalidRequestError(f"{name} must be true or false")
    return value


def choice_field(
    body: dict[str, Any], name: str, choices: type[Choice], *, default: Choice | None = None
) -> Choice:
    """A field with one of the values of `choices`.

    Raises:
        InvalidRequestError: it is missing without a default, or none of them.
    """
    value = body.get(name, default)
    if value not in list(choices):
        raise InvalidRequestError(f"{name} must be one of {', '.join(choices)}")
    return choices(value)
