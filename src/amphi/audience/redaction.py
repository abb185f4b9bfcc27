"""What was hidden or deleted leaves the event stream: its earlier messages lose their text, in the log and in what hubs keep of it.

Where listeners' names are hidden, earlier messages of the stream are told without them, however old: readers of the log and hubs take
them out. The log itself keeps them, for the day on which names are shown again.

This module does not know the database: see `domain.retract`.
"""

import json
from collections.abc import Collection
from typing import Any

GONE = {"question": "hidden", "poll": "draft"}
"""The state of what pages don't show, by kind."""


def taken_back(kind: str, data: str) -> frozenset[str]:
    """The ids of what a message of the stream takes away from pages."""
    if kind == "hidden":
        return frozenset(json.loads(data)["ids"])
    if kind == "caption":
        said = json.loads(data)
        return frozenset({said["id"]} if not said["text"] else ())
    if kind in GONE:
        said = json.loads(data)
        return frozenset({said["id"]} if said["state"] == GONE[kind] else ())
    return frozenset()


def redacted(kind: str, data: str, gone: Collection[str]) -> tuple[str, str]:
    """A message of the stream without the text of what is `gone`: its kind and data."""
    if not any(one in data for one in gone):
        return kind, data
    said = json.loads(data)
    if kind == "message":
        if said["id"] in gone:
            return "hidden", _text({"ids": [said["id"]]})
        return kind, _text(without_quote(said, gone))
    if kind == "pin" and said["message"] is not None:
        message = said["message"]
        said["message"] = None if message["id"] in gone else without_quote(message, gone)
    elif kind == "caption" and said["id"] in gone:
        said["text"] = ""
    elif kind in GONE and said["id"] in gone:
        said = {"id": said["id"], "state": GONE[kind]}
    return kind, _text(said)


def without_quote(message: dict[str, Any], gone: Collection[str]) -> dict[str, Any]:
    """A message's content without the text that it quotes, if that is `gone`."""
    reply = message["reply"]
    return {**message, "reply": None} if reply is not None and reply["id"] in gone else message


NAMED = frozenset({"presenter", "moderator"})
"""The roles whose names are shown everywhere."""


def unnamed(kind: str, data: str) -> str:
    """The data of a message of the stream without the names of listeners."""
    if kind == "message":
        return _text(without_names(json.loads(data)))
    if kind == "pin":
        said = json.loads(data)
        return _text({**said, "message": said["message"] and without_names(said["message"])})
    if kind == "question":
        said = json.loads(data)
        return _text({**said, "author": ""}) if "author" in said else data
    return data


def without_names(message: dict[str, Any]) -> dict[str, Any]:
    """A message's content without the names of listeners: its author's, and that of whom it quotes."""
    reply = message["reply"]
    return {**_without_name(message), "reply": reply and _without_name(reply)}


def _without_name(said: dict[str, Any]) -> dict[str, Any]:
    return said if said.get("role") in NAMED else {**said, "author": ""}


def hides_names(kind: str, data: str) -> bool:
    """Whether a message of the stream says that listeners' names are hidden."""
    return kind == "chat" and json.loads(data).get("names_hidden", False)


def _text(data: object) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
