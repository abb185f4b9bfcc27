"""Who has just signed on elsewhere, to add it to the account that they are logged in to: put aside in their session until they say so.

A form of any site can lead a browser through a sign-on, also one of somebody else. So nothing is added before its person sees who it is.
"""

import time
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from amphi.accounts import ways
from amphi.accounts.models import User
from amphi.accounts.ways import WayError
from amphi.signon.person import Person

KEY = "adding"
ASKED = "add"
"""The parameter of a sign-on that adds."""
LASTS_S = 600
"""How long somebody may look at it, in seconds."""


def put_aside(request: HttpRequest, person: Person) -> HttpResponse:
    """Put `person` aside, and go on to the page that asks; or say why they can't be added."""
    try:
        if isinstance(request.user, User):
            ways.check(request.user, person.provider, person.subject)
    except WayError as error:
        messages.error(request, str(error))
        return redirect("accounts:ways")
    request.session[KEY] = {
        "provider": person.provider,
        "subject": person.subject,
        "name": f"{person.first_name} {person.last_name}".strip(),
        "label": settings.SIGN_ON.label_of(person.provider),
        "user": request.user.pk,
        "at": time.time(),
    }
    return redirect("accounts:add_way")


def put_aside_by(request: HttpRequest) -> dict[str, Any] | None:
    """Who this browser has put aside; None for nobody, or somebody of long ago, or another account's."""
    kept: dict[str, Any] | None = request.session.get(KEY)
    if kept is None or time.time() - kept["at"] > LASTS_S or kept["user"] != request.user.pk:
        return None
    return kept


def forget(request: HttpRequest) -> None:
    """Put nobody aside any more."""
    request.session.pop(KEY, None)
