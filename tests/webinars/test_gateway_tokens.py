"""Which token a live gateway is told."""

import pytest

from amphi.webinars.models import LiveGateway

SECRET = "of the settings"


@pytest.mark.parametrize(
    ("url", "own", "told"),
    [
        ("", "", SECRET),
        ("", "own", "own"),
        ("https://gateway.univ.fr:8443/api", "", SECRET),
        ("https://GATEWAY.univ.fr", "", SECRET),
        ("http://gateway.univ.fr", "", ""),
        ("https://gateway.univ.fr.evil.example", "", ""),
        ("https://gateway.univ.fr@evil.example", "", ""),
        ("https://elsewhere.example", "", ""),
        ("https://elsewhere.example", "own", "own"),
    ],
)
def test_token_of_the_settings_goes_to_their_host_alone(settings, url, own, told):
    settings.MEETING_WEBINAR_SIPMEDIAGW_URL = "https://gateway.univ.fr"
    settings.MEETING_WEBINAR_SIPMEDIAGW_TOKEN = SECRET
    assert LiveGateway(sipmediagw_url=url, sipmediagw_token=own).service_token == told


def test_plain_address_of_the_settings_may_become_a_safe_one(settings):
    settings.MEETING_WEBINAR_SIPMEDIAGW_URL = "http://127.0.0.1:8002"
    settings.MEETING_WEBINAR_SIPMEDIAGW_TOKEN = SECRET
    assert LiveGateway(sipmediagw_url="http://127.0.0.1:8102").service_token == SECRET
    assert LiveGateway(sipmediagw_url="https://127.0.0.1").service_token == SECRET


def test_no_address_in_the_settings_is_no_host(settings):
    settings.MEETING_WEBINAR_SIPMEDIAGW_URL = ""
    settings.MEETING_WEBINAR_SIPMEDIAGW_TOKEN = SECRET
    assert not LiveGateway(sipmediagw_url="https://elsewhere.example").service_token
