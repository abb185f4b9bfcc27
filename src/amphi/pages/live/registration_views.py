"""Registering for a live event, the personal link, and withdrawing."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from amphi.accounts.guesses import network
from amphi.accounts.models import User
from amphi.audience import registration as registrations
from amphi.audience.exceptions import RegistrationError
from amphi.audience.models import Event, Registration
from amphi.audience.personal_links import by_token
from amphi.pages.access import anyone, candidate, registration_of
from amphi.pages.live.registration_form import RegistrationForm


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@candidate
def registration(request: HttpRequest, event: Event) -> HttpResponse:
    """Register, or show an existing registration."""
    mine = registration_of(request) or registrations.of_user(event, request.user)
    if mine is not None:
        if request.method == "POST" and "withdraw" in request.POST:
            registrations.withdraw(mine)
            messages.success(request, _("Your registration is withdrawn."))
            return redirect("live:registration", event.slug)
        return render(request, "live/before/registered.html", {"event": event, "row": mine})
    rules = registrations.rules_of(event)
    if rules is None or not registrations.is_open(event):
        return render(request, "live/before/registration_closed.html", {"event": event})
    form = RegistrationForm(request, rules)
    if form.is_valid():
        answer = _register(request, event, form)
        if answer is not None:
            return answer
    context = {"event": event, "form": form, "rules": rules, "left": registrations.places_left(event, rules)}
    return render(request, "live/before/registration.html", context, status=422 if form.is_bound else 200)


def _register(request: HttpRequest, event: Event, form: RegistrationForm) -> HttpResponse | None:
    """Register with a valid form. None when the registration is refused, which the form then shows."""
    said = form.application()
    user = request.user if isinstance(request.user, User) else None
    try:
        row = registrations.register(event, said, network=network(request), user=user)
    except RegistrationError as error:
        form.add_error(None, str(error))
        return None
    if row is not None:
        return render(request, "live/before/registered.html", {"event": event, "row": row})
    return render(request, "live/before/registration_sent.html", {"event": event, "address": said.address})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@anyone
def registered(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """The personal link: a click confirms the registration; then it opens the live page without an account."""
    event = get_object_or_404(Event.objects.select_related("owner"), slug=slug, is_draft=False)
    row = by_token(event, token)
    if row is None:
        return render(request, "live/before/link_gone.html", {"event": event}, status=404)
    context: dict[str, object] = {"event": event, "row": row}
    if request.method == "POST" and row.status == Registration.Status.UNCONFIRMED:
        try:
            row = context["row"] = registrations.confirm(row)
        except RegistrationError as error:
            context["refused"] = str(error)
        else:
            _remember(request, row, token)
    elif row.is_good:
        _remember(request, row, token)
        return redirect(event)
    return render(request, "live/before/registered.html", context)


def _remember(request: HttpRequest, row: Registration, token: str) -> None:
    """Remember the registration in this browser. Whether the link is still valid is checked each time."""
    request.session[f"registration-{row.event_id}"] = token
    if isinstance(request.user, User):
        registrations.opened_by(row, request.user)
