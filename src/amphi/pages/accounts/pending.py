"""Sign-ons that this browser has begun. What it brings back counts only for one of them, and once."""

import secrets
import time
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

from amphi.pages.accounts import adding

KEY = "sign_on"
MOST = 5
"""Logins that one browser may have begun at once, in tabs of its own."""
LASTS_S = 1800
"""How long somebody may take to log in at the other system, in seconds."""


def safe_next(request: HttpRequest, wished: str) -> str:
    """Where to go after logging in: the wished page if it is one of ours, else the usual one."""
    hosts = {request.get_host()}
    if wished and url_has_allowed_host_and_scheme(wished, hosts, require_https=request.is_secure()):
        return wished
    return resolve_url(settings.LOGIN_REDIRECT_URL)


def begin(request: HttpRequest, provider: str, **facts: str) -> str:
    """Note that this browser begins to sign on by `provider`; returns the name of the attempt."""
    state = secrets.token_urlsafe(24)
    begun: dict[str, Any] = request.session.get(KEY, {})
    entry = {"provider": provider, "next": safe_next(request, request.GET.get("next", "")), "at": time.time()}
    if request.GET.get(adding.ASKED) and request.user.is_authenticated:
        entry |= {"adds_to": request.user.pk, "next": resolve_url("accounts:ways")}
    request.session[KEY] = {**dict(list(begun.items())[1 - MOST :]), state: {**entry, **facts}}
    return state


def take(request: HttpRequest, provider: str, state: str) -> dict[str, Any] | None:
    """The attempt of that name, which is then over; None when this browser began no such one, or long ago."""
    begun: dict[str, Any] = request.session.get(KEY, {})
    entry: dict[str, Any] | None = begun.pop(state, None)
    if entry is None or entry["provider"] != provider or time.time() - entry["at"] > LASTS_S:
        return None
    request.session[KEY] = begun
    return entry
