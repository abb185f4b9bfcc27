"""The platform's settings for tests that run in this process: with a key of their own, made anew each time."""

import os
import secrets

os.environ.setdefault("AMPHI_SECRET_KEY", secrets.token_urlsafe(48))

from amphi.settings import *  # noqa: F403 -- the key must be there first

# Processes that tests start have the settings of an operator, and no key by chance.
os.environ["DJANGO_SETTINGS_MODULE"] = "amphi.settings"

# Each test's client would look all static files up, 545 of them, before its first request. Served processes do, once.
WHITENOISE_AUTOREFRESH = True
