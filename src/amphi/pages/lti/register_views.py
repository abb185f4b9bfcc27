"""A learning platform registers itself, by the link that an administrator made."""

import logging

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from amphi.lti import registering
from amphi.lti.exceptions import LtiError
from amphi.pages.access import signed
from amphi.pages.lti import frames

log = logging.getLogger(__name__)
PARAMETERS = ("openid_configuration", "registration_token")


@signed
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def register(request: HttpRequest, key: str) -> HttpResponse:
    """Show what will be registered, in a frame of that platform's administration, and register it once somebody says so.

    The key of the address is what allows it; browsers send no cookie there, so there is none that another site could use.
    """
    invitation = registering.by_key(key)
    if invitation is None:
        return render(request, "lti/refused.html", {"why": "invitation"}, status=403)
    source = request.POST if request.method == "POST" else request.GET
    given = {name: source.get(name, "") for name in PARAMETERS}
    context = {"invitation": invitation, "given": given, "failed": False}
    status = 200
    if request.method == "POST":
        try:
            context["platform"] = registering.register(
                invitation, configuration_url=given["openid_configuration"], token=given["registration_token"]
            )
        except LtiError as error:
            log.warning("the registration of %s failed: %s", invitation, error)
            context["failed"], status = True, 502
    return frames.framed_by(render(request, "lti/register.html", context, status=status), [invitation.site])
