"""A BBB client that we did not write, ``bigbluebutton-js`` of npm, against the classroom."""

import html
import json
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from amphi.classroom.profiles import PROFILES
from tests.contract.running_classroom import SECRET, TIMEOUT_S, running_classroom
from tests.services import NODE

SCRIPT = Path(__file__).with_name("bigbluebutton_js_calls.cjs")
PATIENCE_S = 60


def calls(url: str) -> dict[str, Any]:
    """What the client understood of each call."""
    done = subprocess.run(
        [NODE, str(SCRIPT), url, SECRET],
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def outcome(answer: dict[str, Any]) -> tuple[str, str]:
    return answer["returncode"], answer.get("messageKey", "")


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_client_of_npm(free_port, profile):
    with running_classroom(free_port, profile) as url:
        said = calls(url)
        with urllib.request.urlopen(said["joinUrl"], timeout=TIMEOUT_S) as page:  # noqa: S310 -- our own server's address
            assert "/html5client/?sessionToken=" in page.url
    assert outcome(said["none"]) == ("SUCCESS", "noMeetings")
    assert outcome(said["create"]) == ("SUCCESS", "")
    made = said["create"]
    assert (made["meetingID"], made["attendeePW"], made["duration"]) == ("physics", "ap", 90)
    assert outcome(said["again"]) == ("SUCCESS", "duplicateWarning")
    assert outcome(said["other"]) == ("FAILED", "idNotUnique")
    assert said["idle"]["running"] is False
    assert outcome(said["join"]) == ("SUCCESS", "successfullyJoined")
    assert said["join"]["meeting_id"] == made["internalMeetingID"]
    assert outcome(said["refused"])[0] == "FAILED"
    info = said["info"]
    # The client's parser of XML leaves entities as they stand.
    assert html.unescape(info["meetingName"]) == "Cours d’été & plus"
    assert info["internalMeetingID"] == made["internalMeetingID"]
    assert info["metadata"] == {"course": 1}
    assert [one["meetingID"] for one in said["one"]["meetings"]] == ["physics"]
    assert [one["meetingID"] for one in said["two"]["meetings"]] == ["physics", "chemistry"]
    assert outcome(said["recordings"]) == ("SUCCESS", "noRecordings")
    hook = said["hooks"]["hooks"]["hook"]
    assert hook["hookID"] == said["hook"]["hookID"]
    assert html.unescape(hook["callbackURL"]) == "http://127.0.0.1:9/hook?a=1&b=é"
    assert said["unhook"]["removed"] is True
    assert outcome(said["end"]) == ("SUCCESS", "sentEndMeetingRequest")
    assert outcome(said["unknown"]) == ("FAILED", "notFound")
    assert outcome(said["forged"]) == ("FAILED", "checksumError")
