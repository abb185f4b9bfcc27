"""The demo's secrets."""

import json
import re
import stat
from pathlib import Path

from amphi.demo.keys import load_or_create, new_password


def test_secrets_are_kept_and_what_is_new_is_added(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    first = load_or_create(file, streams=("salle-1",), usernames=("camille",))
    second = load_or_create(file, streams=("salle-1", "salle-2"), usernames=("camille", "lea"))
    assert second.secret_key == first.secret_key
    assert second.stream_keys["salle-1"] == first.stream_keys["salle-1"]
    assert second.passwords["camille"] == first.passwords["camille"]
    assert set(json.loads(file.read_text())["stream_keys"]) == {"salle-1", "salle-2"}


def test_only_the_owner_can_read_them(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    load_or_create(file, streams=(), usernames=())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_passwords_are_easy_to_type_and_differ() -> None:
    passwords = {new_password() for _ in range(100)}
    assert len(passwords) == 100
    assert all(re.fullmatch(r"[a-z]{6}-[a-z]{6}", password) for password in passwords)
