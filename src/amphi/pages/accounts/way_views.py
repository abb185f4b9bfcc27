"""The page of the ways to log in to one's account: adding one, by signing on there, and removing one."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from amphi.accounts import guesses, ways
from amphi.accounts.guesses import Limit, TooManyGuessesError
from amphi.accounts.identities import OF_COURSES
from amphi.accounts.models import Identity, SignOnSession, User
from amphi.accounts.ways import WayError
from amphi.lti.models import Platform
from amphi.mails import domain as mails
from amphi.pages.access import UserRequest, logged_in
from amphi.pages.accounts import adding
from amphi.pages.accounts.forms import DirectoryForm

ADDED_AN_HOUR = 20


@logged_in
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_variables()
def way_list(request: UserRequest) -> HttpResponse:
    """The ways to log in to my account, and those that I may add; the directory's form is sent here."""
    directory = settings.SIGN_ON.passwords
    if request.method != "POST":
        return _page(request, DirectoryForm(request, directory) if directory else None)
    if directory is None:
        raise Http404
    form = DirectoryForm(request, directory, request.POST)
    if form.is_valid() and form.person is not None:
        return adding.put_aside(request, form.person)
    return _page(request, form, status=422)


def _page(request: UserRequest, form: DirectoryForm | None, *, status: int = 200) -> HttpResponse:
    rows = _rows(request)
    known = {settings.SIGN_ON.key_of(row["identity"].provider) for row in rows} - {"saml"}
    directory = settings.SIGN_ON.passwords
    context = {
        "rows": rows,
        "has_password": ways.has_password(request.user),
        "offers": [
            {"label": label, "url": f"{reverse(f'accounts:{key}_begin')}?{adding.ASKED}=1"}
            for key, label in settings.SIGN_ON.buttons()
            if key not in known
        ],
        "directory": directory if "ldap" not in known else None,
        "directory_form": form,
    }
    return render(request, "accounts/ways.html", context, status=status)


def _rows(request: UserRequest) -> list[dict[str, Any]]:
    """My ways, the newest last."""
    began = SignOnSession.objects.filter(pk=request.session.session_key).values_list("identity", flat=True)
    current = set(began)
    return [
        {
            "identity": one,
            "label": settings.SIGN_ON.label_of(one.provider) or _platform(one),
            "is_open": ways.is_open(one),
            "of_courses": ways.of_courses(one),
            "is_current": one.pk in current,
        }
        for one in request.user.identities.order_by("created_at", "pk")
    ]


def _platform(identity: Identity) -> str:
    """What people call the learning platform of an identity; else the system's name as it is kept."""
    issuer = identity.provider.removeprefix(OF_COURSES)
    found = Platform.objects.filter(issuer=issuer).first() if ways.of_courses(identity) else None
    return found.name if found else identity.provider


@logged_in
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def add_way(request: UserRequest) -> HttpResponse:
    """Show who I am for the other system, and add it once I say so."""
    kept = adding.put_aside_by(request)
    if kept is None:
        messages.error(request, _("This took too long. Begin again."))
        return redirect("accounts:ways")
    if request.method != "POST":
        return render(request, "accounts/way_add.html", {"kept": kept})
    adding.forget(request)
    try:
        guesses.count([Limit(("way", str(request.user.pk)), ADDED_AN_HOUR, guesses.ACCOUNT_WINDOW)])
        with transaction.atomic():
            ways.add(request.user, kept["provider"], kept["subject"])
            _tell(request.user, kept["label"], added=True)
    except TooManyGuessesError:
        messages.error(request, _("Too many requests. Try again in an hour."))
    except WayError as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request, _("From now on, you also log in by %(system)s.") % {"system": kept["label"]}
        )
    return redirect("accounts:ways")


@logged_in
@require_POST
def remove_way(request: UserRequest, pk: int) -> HttpResponse:
    """Remove one of my ways."""
    try:
        with transaction.atomic():
            gone = ways.remove(request.user, pk, session_key=request.session.session_key or "")
            if gone:
                _tell(request.user, settings.SIGN_ON.label_of(gone) or gone, added=False)
    except WayError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Removed. Sessions that began that way have ended."))
    return redirect("accounts:ways")


def _tell(user: User, label: str, *, added: bool) -> None:
    """Tell the person by email: who found their session open could have done it."""
    mails.queue([mails.reader(user)], "way_changed", {"system": label, "added": added, "person": user})
