"""The form of logging in."""

from django.contrib.auth.forms import AuthenticationForm


class LoginForm(AuthenticationForm):
    """Django's own, with Bootstrap's classes."""

    def __init__(self, *args, **kwargs) -> None:  # noqa: ANN002, ANN003 -- Django's signature
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = "form-control"
