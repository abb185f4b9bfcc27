"""Logging in, logging out, and the language of the pages."""

from typing import Any

from django.conf import settings
from django.contrib.auth import logout as end_session
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.i18n import set_language

from amphi.accounts import guesses
from amphi.accounts.identities import end_tickets
from amphi.accounts.models import User
from amphi.pages.access import anyone
from amphi.pages.accounts.entering import enter, goodbye
from amphi.pages.accounts.forms import DirectoryForm, LoginForm
from amphi.pages.accounts.leaving import leaving
from amphi.pages.accounts.pending import safe_next


class Login(LoginView):
    """Django's view. It also remembers the browser, so that guessers elsewhere can't lock its owner out."""

    template_name = "accounts/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the systems that people may sign on by."""
        buttons = [
            {"label": label, "url": reverse(f"accounts:{key}_begin")}
            for key, label in settings.SIGN_ON.buttons()
        ]
        directory = settings.SIGN_ON.passwords
        others = bool(buttons or directory)
        return {
            "buttons": buttons,
            "directory": directory,
            "directory_form": DirectoryForm(self.request, directory) if directory else None,
            "others": others,
            "shows_local": not (settings.HIDE_LOCAL_LOGIN and others),
            "opens_local": self.request.method == "POST",
        } | super().get_context_data(**kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Log in by the form, where there is one."""
        if settings.HIDE_LOCAL_LOGIN and (settings.SIGN_ON.passwords or any(settings.SIGN_ON.buttons())):
            return self.get(request, *args, **kwargs)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Log in."""
        return remember_browser(super().form_valid(form), form.get_user().get_username())


class DirectoryLogin(Login):
    """The same page, whose form for the university's directory is sent here."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:  # noqa: ARG002 -- Django's signature
        """Log in by the directory."""
        directory = settings.SIGN_ON.passwords
        if directory is None:
            raise Http404
        form = DirectoryForm(request, directory, request.POST)
        next_page = safe_next(request, request.POST.get("next", ""))
        if form.is_valid() and form.person is not None:
            name = form.counted_name(form.cleaned_data["username"])
            return remember_browser(enter(request, form.person, next_page), name)
        local = LoginForm(request)
        return self.render_to_response(
            self.get_context_data(form=local, directory_form=form, opens_local=False)
        )


def remember_browser(response: HttpResponse, name: str) -> HttpResponse:
    """Remember that somebody logged in here as `name`, so that guessers elsewhere can't lock them out."""
    response.set_signed_cookie(
        guesses.KNOWN_COOKIE,
        guesses.known_value(name),
        max_age=guesses.KNOWN_S,
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )
    return response


class Logout(LogoutView):
    """Django's view, which leads on to the system that the session began with, to log out there too."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Log out."""
        if isinstance(request.user, User):
            end_tickets({request.user.pk})
        further = leaving(request)
        if further is None:
            return super().post(request, *args, **kwargs)
        end_session(request)
        return goodbye(request, *further)


login = anyone(Login.as_view())
directory_login = anyone(DirectoryLogin.as_view())
logout = anyone(Logout.as_view())


@anyone
def language(request: HttpRequest) -> HttpResponse:
    """Change the language of this browser, and of emails to the person who is logged in."""
    code = request.POST.get("language", "")
    if isinstance(request.user, User) and code in dict(settings.LANGUAGES):
        User.objects.filter(pk=request.user.pk).update(language=code)
    return set_language(request)
