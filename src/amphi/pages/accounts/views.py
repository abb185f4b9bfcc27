"""Logging in, logging out, and the language of the pages."""

from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.views.i18n import set_language

from amphi.accounts import guesses
from amphi.accounts.models import User
from amphi.pages.access import anyone
from amphi.pages.accounts.forms import LoginForm


class Login(LoginView):
    """Django's view. It also remembers the browser, so that guessers elsewhere can't lock its owner out."""

    template_name = "accounts/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Log in."""
        response = super().form_valid(form)
        response.set_signed_cookie(
            guesses.KNOWN_COOKIE,
            guesses.known_value(form.get_user().get_username()),
            max_age=guesses.KNOWN_S,
            httponly=True,
            secure=settings.SESSION_COOKIE_SECURE,
            samesite="Lax",
        )
        return response


login = anyone(Login.as_view())
logout = anyone(LogoutView.as_view())


@anyone
def language(request: HttpRequest) -> HttpResponse:
    """Change the language of this browser, and of emails to the person who is logged in."""
    code = request.POST.get("language", "")
    if isinstance(request.user, User) and code in dict(settings.LANGUAGES):
        User.objects.filter(pk=request.user.pk).update(language=code)
    return set_language(request)
