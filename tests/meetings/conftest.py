"""What the pages of meetings need."""

import pytest

from amphi.accounts.models import User
from tests.factories import make_user


@pytest.fixture
def in_use(settings):
    settings.USE_MEETING_WEBINAR = True
    settings.LANGUAGE_CODE = "fr"
    settings.BBB_API_URL = "http://127.0.0.1:9/bigbluebutton"
    settings.BBB_SECRET_KEY = "secret"


@pytest.fixture
def presenter(client) -> User:
    user = make_user("marie")
    client.force_login(user)
    return user
