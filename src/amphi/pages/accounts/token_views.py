"""The page of one's tokens for the API."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from amphi.accounts import tokens
from amphi.accounts.tokens import TokenError
from amphi.pages.access import UserRequest, logged_in
from amphi.pages.accounts.token_form import TokenForm


@logged_in
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def token_list(request: UserRequest) -> HttpResponse:
    """My tokens, and a form for a new one; its text is on this one answer and nowhere else."""
    form = TokenForm(request.POST if request.method == "POST" else None, user=request.user)
    if not form.is_bound:
        return _page(request, form)
    made = ""
    if form.is_valid():
        try:
            _token, made = tokens.make(request.user, **form.cleaned_data)
        except TokenError as error:
            form.add_error(None, str(error))
    if not made:
        return _page(request, form, status=422)
    return _page(request, TokenForm(None, user=request.user), made=made)


def _page(request: UserRequest, form: TokenForm, *, made: str = "", status: int = 200) -> HttpResponse:
    rows = [
        {"token": token, "scopes": [tokens.SCOPES[scope] for scope in token.scopes if scope in tokens.SCOPES]}
        for token in tokens.tokens_of(request.user)
    ]
    context = {"form": form, "made": made, "rows": rows}
    return render(request, "accounts/tokens.html", context, status=status)


@logged_in
@require_POST
def revoke(request: UserRequest, pk: int) -> HttpResponse:
    """Revoke one of my tokens."""
    tokens.revoke(request.user, pk)
    messages.success(request, _("The token is revoked: it opens nothing any more."))
    return redirect("accounts:tokens")
