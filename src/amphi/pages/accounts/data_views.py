"""The pages of one's own data: what is kept, a copy of it, and its erasure."""

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from amphi.accounts import guesses
from amphi.accounts.guesses import Limit, TooManyGuessesError
from amphi.meetings.exceptions import MeetingError
from amphi.pages.access import UserRequest, logged_in
from amphi.privacy import erasure, holdings
from amphi.privacy.exceptions import PrivacyError
from amphi.privacy.holdings import Subject
from amphi.privacy.records import records

COPIES_AN_HOUR = 10
INDENT = 2


def _counted(request: UserRequest) -> bool:
    """Whether one more copy may be made; each reads much."""
    limit = Limit(("copy", str(request.user.pk)), COPIES_AN_HOUR, guesses.ACCOUNT_WINDOW)
    try:
        guesses.count([limit])
    except TooManyGuessesError:
        return False
    return True


@logged_in
@require_safe
@never_cache
def my_data(request: UserRequest) -> HttpResponse:
    """What is kept about me: how much of each kind, why, for how long, and who sees it."""
    context = {"counts": holdings.counts(Subject((request.user,))), "records": records()}
    return render(request, "accounts/my_data.html", context)


@logged_in
@require_POST
@never_cache
@sensitive_variables()
def my_copy(request: UserRequest) -> HttpResponse:
    """My copy, as a file."""
    if not _counted(request):
        messages.error(request, _("Too many requests. Try again in an hour."))
        return redirect("accounts:data")
    answer = JsonResponse(
        holdings.copy_of(Subject((request.user,))),
        json_dumps_params={"ensure_ascii": False, "indent": INDENT},
    )
    day = timezone.localdate().isoformat()
    answer.headers["Content-Disposition"] = f'attachment; filename="amphi-{day}.json"'
    return answer


@logged_in
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def erase(request: UserRequest) -> HttpResponse:
    """Say what erasing my account does; erase it once I typed its name."""
    person = Subject((request.user,))
    error = ""
    if request.method == "POST":
        if request.POST.get("username", "").strip() != request.user.get_username():
            error = _("This is not the name of your account.")
        elif request.user.is_superuser:
            error = _("An administrator’s account is erased by another administrator.")
        else:
            try:
                erasure.erase(person)
            except (PrivacyError, MeetingError) as refused:
                error = str(refused)
        if not error:
            logout(request)
            messages.success(request, _("Your account is erased."))
            return redirect("live:list")
    context = {
        "consequences": erasure.consequences(person),
        "error": error,
        "given": request.POST.get("username", ""),
    }
    return render(request, "accounts/erase.html", context, status=422 if error else 200)
