"""A form as the pages show it: Bootstrap's classes, switches, errors at their fields."""

from typing import Any

from django import forms
from django.forms.boundfield import BoundField


class PageForm(forms.Form):
    """A form whose fields look like those of every page; call `style` once they are as they will be."""

    def style(self) -> None:
        """Dress each field."""
        for name in self.fields:
            _style(self[name])

    def add_error(self, field: str | None, error: Any) -> None:
        super().add_error(field, error)
        for name in self.errors:
            if name in self.fields and "is-invalid" not in self.fields[name].widget.attrs.get("class", ""):
                self.fields[name].widget.attrs["class"] += " is-invalid"


def _style(bound: BoundField) -> None:
    widget = bound.field.widget
    if isinstance(widget, forms.CheckboxSelectMultiple | forms.CheckboxInput | forms.RadioSelect):
        widget.attrs["class"] = "form-check-input"
    else:
        widget.attrs["class"] = "form-select" if isinstance(widget, forms.Select) else "form-control"
    if isinstance(widget, forms.CheckboxInput) and not isinstance(widget, forms.CheckboxSelectMultiple):
        widget.attrs["role"] = "switch"
