"""Small forms of the panel."""

from django import forms


class ChatForm(forms.Form):
    """Opens or closes the listeners' chat."""

    enabled = forms.ChoiceField(choices=[("1", "1"), ("0", "0")])
