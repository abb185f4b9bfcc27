"""What moderators send about a live."""

from django import forms


class ChatForm(forms.Form):
    """Whether listeners are to have the chat."""

    enabled = forms.ChoiceField(choices=[("1", "1"), ("0", "0")])
