"""The demo's secrets: generated once and kept in ``var/secrets.json``, readable by its owner only, so that a second start reuses them."""

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
    """A password that is easy to read and type: two invented words with 36 bits, enough for a demo on one's own machine."""
    return f"{_word()}-{_word()}"


@dataclass(frozen=True)
class Keys:
    """The secrets between the parts, and the passwords of the accounts."""

    secret_key: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    ticket_key: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    classroom_secret: str = field(default_factory=lambda: secrets.token_hex(20))
    gateway_token: str = field(default_factory=lambda: secrets.token_hex(20))
    origin_token: str = field(default_factory=lambda: secrets.token_hex(20))
    stream_keys: dict[str, str] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)


def write_private(file: Path, text: str) -> None:
    """Replace `file` atomically by `text`; nobody but its owner can read it at any time."""
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
    new.replace(file)


def load_or_create(file: Path, *, streams: tuple[str, ...], usernames: tuple[str, ...]) -> Keys:
    """Read the secrets in `file`; missing ones are generated and saved there.

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
