"""Logging in, logging out, and the language of the pages."""

from django.contrib.auth.views import LoginView, LogoutView
from django.views.i18n import set_language

from amphi.access import anyone
from amphi.accounts.forms import LoginForm

login = anyone(
    LoginView.as_view(
        template_name="accounts/login.html", authentication_form=LoginForm, redirect_authenticated_user=True
    )
)
logout = anyone(LogoutView.as_view())
language = anyone(set_language)
