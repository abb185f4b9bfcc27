"""The base of the pages' forms: Bootstrap's classes, switches, errors beside their fields."""

from typing import Any

from django import forms
from django.forms.boundfield import BoundField


class PageForm(forms.Form):
    """A form in the style of all pages. Call `style` once its fields are final."""

    def style(self) -> None:
        """Set the classes and attributes of each field."""
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
