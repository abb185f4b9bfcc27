"""The demo's secrets: made once, kept in ``var/secrets.json`` for its owner alone, so that a second start keeps its data."""

import json
import os
import secrets
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

ACCOUNTS = ("camille", "lea", "hugo", "admin")
"""The usernames: a presenter, two listeners, an administrator."""
_CONSONANTS = "bdfgklmnprstvz"
_VOWELS = "aeiou"
_SYLLABLES_A_WORD = 3


def _word() -> str:
    return "".join(secrets.choice(_CONSONANTS) + secrets.choice(_VOWELS) for _ in range(_SYLLABLES_A_WORD))


def new_password() -> str:
    """A password that is easy to read and type: two invented words, 36 bits, for a demo on one's own machine."""
    return f"{_word()}-{_word()}"


@dataclass(frozen=True)
class Keys:
    """What the parts prove themselves to each other with, and the passwords of the accounts."""

    secret_key: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    ticket_key: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    classroom_secret: str = field(default_factory=lambda: secrets.token_hex(20))
    gateway_token: str = field(default_factory=lambda: secrets.token_hex(20))
    origin_token: str = field(default_factory=lambda: secrets.token_hex(20))
    stream_keys: dict[str, str] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)


def write_private(file: Path, text: str) -> None:
    """Replace `file` at once with `text`, readable by its owner alone from its first byte."""
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
    new.replace(file)


def load_or_create(file: Path, *, streams: tuple[str, ...], usernames: tuple[str, ...]) -> Keys:
    """The secrets of `file`; what it lacks is made and kept there.

    Args:
        file: the JSON file.
        streams: the streams that need a publishing key.
        usernames: the accounts that need a password.
    """
    before = file.read_text(encoding="utf-8") if file.exists() else "{}"
    known = json.loads(before)
    keys = Keys(**{item.name: known[item.name] for item in fields(Keys) if item.name in known})
    for stream in streams:
        keys.stream_keys.setdefault(stream, secrets.token_hex(16))
    for username in usernames:
        keys.passwords.setdefault(username, new_password())
    after = json.dumps(asdict(keys), indent=2) + "\n"
    if after != before:
        write_private(file, after)
    return keys
