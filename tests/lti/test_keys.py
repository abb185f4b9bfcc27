"""The tool's own keys, changed while learning platforms know the old one; and what `amphi check` says of platforms."""

from datetime import timedelta

import jwt
import pytest
from django.utils import timezone

from amphi.checkup.platforms import check_platform
from amphi.lti import cli, platform_keys, tool_keys
from amphi.lti.models import ToolKey
from amphi.lti.tool_keys import RotationError
from amphi.system import outbound

DAY = timedelta(days=1)


def signer() -> str:
    return jwt.get_unverified_header(tool_keys.signed({}))["kid"]


def published() -> list[str]:
    return [key["kid"] for key in tool_keys.key_set()["keys"]]


def days_pass(number: float) -> None:
    for key in ToolKey.objects.all():
        ToolKey.objects.filter(pk=key.pk).update(created_at=key.created_at - number * DAY)


def test_new_key_is_published_before_it_signs_and_the_old_one_after_it_did(moodle, capsys):
    assert (signer(), published()) == ("amphi-1", ["amphi-1"])
    assert cli.main(["rotate"]) == 0
    assert (signer(), published()) == ("amphi-1", ["amphi-2", "amphi-1"])
    with pytest.raises(RotationError, match="amphi-2 signs from"):
        tool_keys.rotate()
    assert cli.main(["rotate"]) == 1
    assert tool_keys.drop_old() == 0
    days_pass(1)
    assert (signer(), published()) == ("amphi-2", ["amphi-2", "amphi-1"])
    assert tool_keys.drop_old() == 0
    capsys.readouterr()
    assert cli.main(["keys"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["amphi-2", "amphi-1"]
    days_pass(1)
    assert tool_keys.drop_old() == 1
    assert (signer(), published()) == ("amphi-2", ["amphi-2"])


def test_key_that_somebody_has_is_gone_at_once(moodle):
    assert cli.main(["rotate", "--now"]) == 0
    assert (signer(), published()) == ("amphi-2", ["amphi-2"])


def test_no_key_is_made_to_drop_old_ones(db):
    assert tool_keys.drop_old() == 0
    assert not ToolKey.objects.exists()


def levels(platform) -> list[str]:
    return [found.level for found in check_platform(platform)]


def test_check_says_whether_people_can_come_from_a_platform(platform):
    # The keys of this one come without TLS.
    assert levels(platform) == ["WARN", "OK"]
    platform.deployments = []
    assert levels(platform) == ["WARN", "FAIL"]
    platform.jwks_url = f"{platform.issuer}/nothing"
    assert levels(platform) == ["FAIL"]


@pytest.mark.parametrize(("ahead_s", "expected"), [(0, ["OK"]), (30, ["WARN", "OK"]), (600, ["FAIL", "OK"])])
def test_check_compares_the_clocks(platform, monkeypatch, ahead_s, expected):
    monkeypatch.setattr(platform_keys, "fetch", lambda _url: [])
    platform.jwks_url = "https://moodle.univ.fr/certs.php"
    date = (timezone.now() + timedelta(seconds=ahead_s)).strftime("%a, %d %b %Y %H:%M:%S GMT")

    def call(_self, _method: str, _url: str) -> outbound.Answer:
        return outbound.Answer(200, {"date": date}, b"")

    monkeypatch.setattr(outbound.Caller, "call", call)
    assert levels(platform) == expected
