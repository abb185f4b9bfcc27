"""Passwords at the doors of meetings and live events: asked once, remembered in the session, not to be guessed."""

from django import forms
from django.contrib.sessions.backends.base import SessionBase
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext

WRONG_PASSWORDS_PER_MINUTE = 30
"""At one door, from one address: a lecture hall behind one address may mistype, a program may not guess."""


def proof(door: str, password: str) -> str:
    """What is remembered of a password that was given at `door`: it ends to count when the password changes."""
    return salted_hmac("amphi.passwords", f"{door}:{password}").hexdigest()


def is_known(session: SessionBase, door: str, password: str) -> bool:
    """Whether `password` was given at `door` before."""
    return constant_time_compare(session.get(door, ""), proof(door, password))


def check(request: HttpRequest, door: str, given: str, password: str) -> str:
    """The password as given, without the spaces that copying leaves around it.

    Raises:
        ValidationError: it is wrong, or so many were wrong that nobody from there is heard for a minute.
    """
    given = given.strip()
    key = f"wrong-password-{door}-{request.META.get('REMOTE_ADDR', '')}"
    if cache.get(key, 0) >= WRONG_PASSWORDS_PER_MINUTE:
        raise forms.ValidationError(gettext("Too many wrong passwords. Try again in a minute."))
    if not constant_time_compare(given, password):
        cache.add(key, 0, timeout=60)
        cache.incr(key)
        raise forms.ValidationError(gettext("This is not the right password."))
    return given
