"""Passwords of meetings and live events. They are asked once and remembered in the session; `amphi.accounts.guesses` checks them."""

from django.contrib.sessions.backends.base import SessionBase
from django.utils.crypto import constant_time_compare, salted_hmac


def proof(door: str, password: str) -> str:
    """The session's proof that `password` was given at `door`; it is worthless once the password changes."""
    return salted_hmac("amphi.passwords", f"{door}:{password}").hexdigest()


def is_known(session: SessionBase, door: str, password: str) -> bool:
    """Whether `password` was given at `door` before."""
    return constant_time_compare(session.get(door, ""), proof(door, password))
