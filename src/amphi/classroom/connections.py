"""The open pages, and the messages to send to each."""

import asyncio
import json
from collections.abc import Iterable
from typing import Any

MAX_QUEUED_MESSAGES = 2000
Message = dict[str, Any]


class Connection:
    """The queue of messages for one page, in order. A page that reads too slowly is disconnected."""

    def __init__(self, client: str) -> None:
        self.client = client
        self.queue: asyncio.Queue[str | None] = asyncio.Queue()

    def send(self, text: str) -> None:
        if self.queue.qsize() >= MAX_QUEUED_MESSAGES:
            self.close()
        else:
            self.queue.put_nowait(text)

    def close(self) -> None:
        """Close the page's socket once the queue has been sent."""
        self.queue.put_nowait(None)


class Connections:
    """At most one open page for each participant, by their id."""

    def __init__(self) -> None:
        self._by_user: dict[str, Connection] = {}
        # Signals for a page that is reconnecting: without them its media connections would wait for ever.
        self._missed: dict[str, list[Message]] = {}

    def open(self, user_id: str, client: str) -> Connection:
        """Add a page's socket. An older page of the same participant is told that it was replaced."""
        old = self._by_user.get(user_id)
        if old is not None:
            if old.client != client:
                old.send(json.dumps({"type": "replaced"}))
            old.close()
        connection = self._by_user[user_id] = Connection(client)
        return connection

    def close(self, user_id: str, connection: Connection) -> bool:
        """Remove a closed socket. Returns whether it was the participant's current one."""
        if self._by_user.get(user_id) is not connection:
            return False
        del self._by_user[user_id]
        return True

    def send(self, user_id: str, message: Message) -> None:
        connection = self._by_user.get(user_id)
        if connection is not None:
            connection.send(json.dumps(message))

    def broadcast(self, user_ids: Iterable[str], message: Message) -> None:
        """Send one message to many participants; it is encoded once."""
        text = json.dumps(message)
        for user_id in user_ids:
            connection = self._by_user.get(user_id)
            if connection is not None:
                connection.send(text)

    def signal(self, user_id: str, client: str, message: Message) -> None:
        """Send a WebRTC signal to one particular opening of a participant's page; it makes no sense for another."""
        connection = self._by_user.get(user_id)
        if connection is None:
            missed = self._missed.setdefault(user_id, [])
            missed.append({**message, "toClient": client})
            del missed[:-MAX_QUEUED_MESSAGES]
        elif connection.client == client:
            connection.send(json.dumps(message))

    def replay(self, user_id: str, connection: Connection) -> None:
        """Send the signals that were missed while the page was reconnecting."""
        for message in self._missed.pop(user_id, []):
            if message["toClient"] == connection.client:
                connection.send(json.dumps(message))

    def forget(self, user_id: str) -> None:
        """Close the socket of a participant who left, once its queue has been sent."""
        self._missed.pop(user_id, None)
        connection = self._by_user.pop(user_id, None)
        if connection is not None:
            connection.close()
