"""Reminders by email: requesting, confirming and stopping them."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from amphi.accounts.guesses import network
from amphi.accounts.models import User
from amphi.audience import reminders, unsubscribing
from amphi.audience.exceptions import ReminderError
from amphi.audience.models import Event
from amphi.pages.access import anyone, visitor
from amphi.pages.live.reminder_form import ReminderForm


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@visitor
def ask(request: HttpRequest, event: Event) -> HttpResponse:
    """Request a reminder."""
    form = ReminderForm(request)
    if form.is_valid():
        try:
            done = reminders.ask(
                event,
                form.cleaned_data["address"],
                network=network(request),
                user=request.user if isinstance(request.user, User) else None,
            )
        except ReminderError as error:
            form.add_error(None, str(error))
        else:
            said = (
                _("You will receive a reminder 15 minutes before the live.")
                if done
                else _("Almost done: open the email that you will receive in a moment, and confirm.")
            )
            messages.success(request, said)
            return redirect(event)
    context = {"event": event, "form": form, "can_be_asked": reminders.can_be_asked(event)}
    return render(request, "live/before/reminder_page.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@anyone
def confirm(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """The page that the email links to. Only a click on its button confirms, since mail programs open links by themselves."""
    event = get_object_or_404(Event.objects.select_related("owner"), slug=slug, is_draft=False)
    found = reminders.asked_for(event, token)
    if found is None:
        context = {"event": event, "expired": True}
        return render(request, "live/before/reminder_confirm.html", context, status=404)
    context = {"event": event, "address": found[0], "late": not reminders.can_be_asked(event)}
    if request.method == "POST":
        try:
            context["done"] = reminders.confirm(event, token)
        except ReminderError as error:
            context["refused"] = str(error)
    return render(request, "live/before/reminder_confirm.html", context)


@csrf_exempt  # Mail programs post without a page of ours (RFC 8058); the signed token authorises them.
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@anyone
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Stop the emails about an event."""
    if request.method == "POST":
        unsubscribing.unsubscribe(token)
        return render(request, "live/before/unsubscribed.html", {"done": True})
    row = unsubscribing.addressee(token)
    if row is None:
        raise Http404
    return render(request, "live/before/unsubscribed.html", {"event": row.event})
