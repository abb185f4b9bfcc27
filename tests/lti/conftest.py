import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from amphi.lti import platform_keys
from amphi.lti.models import Platform, ToolKey
from tests.factories import make_gateway
from tests.lti.courses import Visitor, register
from tests.lti.platform import Moodle, private_key


@pytest.fixture
def moodle(db, settings, serve) -> Moodle:
    settings.USE_MEETING_WEBINAR = True
    settings.AMPHI_URL = "https://testserver"
    platform_keys.forget()
    make_gateway()
    found = Moodle(serve, settings.AMPHI_URL)
    register(found)
    pem = private_key("tool").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    ToolKey.objects.create(kid="amphi-1", private_key=pem)
    return found


@pytest.fixture
def platform(moodle) -> Platform:
    return Platform.objects.get()


@pytest.fixture
def visitor(moodle) -> Visitor:
    return Visitor(moodle)
