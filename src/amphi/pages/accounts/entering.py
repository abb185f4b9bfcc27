"""What every way of signing on ends with: the session begins, or the login page says in plain words why not."""

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext

from amphi.accounts.identities import AccountClosedError, account_of, remember_session
from amphi.pages.accounts import adding
from amphi.pages.accounts.leaving import PROOF
from amphi.signon.exceptions import SignOnError, UnreachableError
from amphi.signon.person import Person

log = logging.getLogger(__name__)
BACKEND = "django.contrib.auth.backends.ModelBackend"


def public_address(name: str) -> str:
    """The whole address of a page of ours, as other systems know it."""
    return settings.AMPHI_URL + reverse(name)


def arrive(
    request: HttpRequest, person: Person, begun: Mapping[str, Any], *, proof: str = ""
) -> HttpResponse:
    """Go on with `person`: begin their session, or add them to the account that they are logged in to, as they began it.

    Args:
        request: of the browser.
        person: who signed on.
        begun: the attempt, see `pending.take`.
        proof: see `enter`.
    """
    adds_to = begun.get("adds_to")
    if adds_to is None:
        return enter(request, person, begun["next"], proof=proof)
    return adding.put_aside(request, person) if request.user.pk == adds_to else outdated(request)


def enter(request: HttpRequest, person: Person, next_page: str, *, proof: str = "") -> HttpResponse:
    """Begin the session of `person`, and go on to the page that was asked.

    Args:
        request: of the browser.
        person: who signed on.
        next_page: one of ours.
        proof: what the other system wants when this session logs out there.
    """
    try:
        user, identity = account_of(person)
    except AccountClosedError:
        return back_to_login(
            request, gettext("Your account here is closed. Ask those who run this platform."), next_page
        )
    login(request, user, backend=BACKEND)
    if proof:
        request.session[PROOF] = proof
    remember_session(request.session, identity, person)
    log.info("%s signed on by %s", user.get_username(), person.provider)
    return redirect(next_page)


def back_to_login(request: HttpRequest, sentence: str, next_page: str = "") -> HttpResponse:
    """Go back to the login page, which says why."""
    messages.error(request, sentence)
    page = reverse("accounts:login")
    return redirect(f"{page}?{urlencode({'next': next_page})}" if next_page else page)


def refused(request: HttpRequest, label: str, error: SignOnError, next_page: str = "") -> HttpResponse:
    """Go back to the login page after `error` of the system that people know as `label`."""
    log.warning("a sign-on by %s was refused: %s", label, error)
    if isinstance(error, UnreachableError):
        sentence = gettext("%(system)s does not answer right now. Try again in a moment.")
    else:
        sentence = gettext("%(system)s did not confirm who you are. Log in again.")
    return back_to_login(request, sentence % {"system": label}, next_page)


def outdated(request: HttpRequest) -> HttpResponse:
    """Go back to the login page: this browser did not begin that sign-on, or long ago."""
    log.warning("a sign-on was refused: this browser did not begin it, or it was used before")
    return back_to_login(request, gettext("This login took too long, or was begun elsewhere. Log in again."))


def goodbye(request: HttpRequest, label: str, url: str) -> HttpResponse:
    """The page that leads on to the other system, to log out there too."""
    response = render(request, "accounts/goodbye.html", {"label": label, "url": url})
    # Not a redirect: browsers hold redirects of a form to form-action, and the other system may lead on to anywhere.
    response["Refresh"] = f"0; url={url}"
    return response
