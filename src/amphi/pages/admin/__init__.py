"""The administration: what Django's own pages show and change."""

from amphi.pages.admin import accounts, audience, chat, mails, meetings, platforms, voices, webhooks, webinars

__all__ = ["accounts", "audience", "chat", "mails", "meetings", "platforms", "voices", "webhooks", "webinars"]
