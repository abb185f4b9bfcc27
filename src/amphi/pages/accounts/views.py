"""Logging in, logging out, and the language of the pages."""

from django.conf import settings
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.views.i18n import set_language

from amphi.accounts.models import User
from amphi.pages.access import anyone
from amphi.pages.accounts.forms import LoginForm

login = anyone(
    LoginView.as_view(
        template_name="accounts/login.html", authentication_form=LoginForm, redirect_authenticated_user=True
    )
)
logout = anyone(LogoutView.as_view())


@anyone
def language(request: HttpRequest) -> HttpResponse:
    """Speak another language: in this browser, and in the mails to the person who is logged in."""
    code = request.POST.get("language", "")
    if isinstance(request.user, User) and code in dict(settings.LANGUAGES):
        User.objects.filter(pk=request.user.pk).update(language=code)
    return set_language(request)
