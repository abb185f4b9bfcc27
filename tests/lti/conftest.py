import pytest

from amphi.lti import platform_keys
from amphi.lti.models import Platform
from tests.factories import make_gateway
from tests.lti.courses import Visitor, register
from tests.lti.platform import Moodle


@pytest.fixture
def moodle(db, settings, serve) -> Moodle:
    settings.USE_MEETING_WEBINAR = True
    settings.AMPHI_URL = "https://testserver"
    platform_keys.forget()
    make_gateway()
    found = Moodle(serve, settings.AMPHI_URL)
    register(found)
    return found


@pytest.fixture
def platform(moodle) -> Platform:
    return Platform.objects.get()


@pytest.fixture
def visitor(moodle) -> Visitor:
    return Visitor(moodle)
