"""A BBB client that we did not write, ``bigbluebutton-api-python`` of PyPI, against the classroom."""

import socket
import urllib.request
import warnings

import pytest

from tests.contract.running_classroom import SECRET, TIMEOUT_S, running_classroom

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the package's regular expressions hold escapes that Python warns of
    from bigbluebutton_api_python import BigBlueButton
    from bigbluebutton_api_python.exception import BBBException


@pytest.fixture
def bbb(free_port):
    socket.setdefaulttimeout(TIMEOUT_S)  # the package gives its requests none
    with running_classroom(free_port) as url:
        yield BigBlueButton(url, SECRET)
    socket.setdefaulttimeout(None)


def test_create_join_info_end(bbb):
    assert bbb.get_api_version().get_version() == "2.0"
    created = bbb.create_meeting(
        "physics", {"name": "Cours d’été & plus", "attendeePW": "ap", "moderatorPW": "mp"}, {"course": "1"}
    )
    assert created.get_return_code() == "SUCCESS"
    assert created.get_meetingid() == "physics"
    assert created.get_attendee_pw() == "ap"
    assert not bbb.is_meeting_running("physics").is_meeting_running()
    join_url = bbb.get_join_meeting_url("Ada Lovelace", "physics", "mp")
    with urllib.request.urlopen(join_url, timeout=TIMEOUT_S) as page:  # noqa: S310 -- our own server's address
        assert "/html5client/?sessionToken=" in page.url
        assert "Cours d’été &amp; plus" in page.read().decode()
    info = bbb.get_meeting_info("physics")
    assert info.get_return_code() == "SUCCESS"
    assert info.get_meetinginfo().get_meetingname() == "Cours d’été & plus"
    bbb.create_meeting("chemistry", {"name": "Chemistry"})
    assert [meeting.get_meetingid() for meeting in bbb.get_meetings().get_meetings()] == [
        "physics",
        "chemistry",
    ]
    assert bbb.end_meeting("physics", "mp").get_return_code() == "SUCCESS"
    with pytest.raises(BBBException):
        bbb.end_meeting("physics", "mp")


def test_failures_are_understood(bbb):
    with pytest.raises(BBBException) as caught:
        bbb.get_meeting_info("nothing")
    assert caught.value.key == "notFound"
