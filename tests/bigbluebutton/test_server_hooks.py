"""What a server tells by itself and what it can do: webhooks, capabilities."""

import hashlib

import pytest

from amphi.bigbluebutton import (
    ChecksumRefusedError,
    HookNotFoundError,
    Server,
    WebhooksUnavailableError,
)
from tests.bigbluebutton.replies import SECRET, failed, success
from tests.wire import answer


def test_hooks(serve):
    def script(request):
        match request.path.rpartition("/")[2]:
            case "create":
                return success(
                    "<hookID>17</hookID><permanentHook>false</permanentHook><rawData>false</rawData>"
                )
            case "list":
                return success(
                    "<hooks><hook><hookID>17</hookID><callbackURL><![CDATA[https://a/?x=1&y=2]]></callbackURL>"
                    "<meetingID>m-1</meetingID><permanentHook>false</permanentHook><rawData>false</rawData></hook></hooks>"
                )
            case _:
                return failed("destroyMissingHook", "The hook informed was not found.")

    wire = serve(script)
    server = Server(wire.url, SECRET)
    made = server.create_hook("https://a/?x=1&y=2", meeting_id="m-1", events=["meeting-ended", "user-left"])
    assert (made.hook_id, made.existed) == ("17", False)
    assert wire.requests[0].query["eventID"] == "meeting-ended,user-left"
    raw, _, checksum = wire.requests[0].raw_query.rpartition("&checksum=")
    assert hashlib.sha256(f"hooks/create{raw}{SECRET}".encode()).hexdigest() == checksum
    [listed] = server.hooks("m-1")
    assert (listed.callback_url, listed.meeting_id) == ("https://a/?x=1&y=2", "m-1")
    with pytest.raises(HookNotFoundError):
        server.destroy_hook("18")


def test_hook_that_is_there_already(serve):
    wire = serve(lambda _: success("<hookID>17</hookID><messageKey>duplicateWarning</messageKey>"))
    assert Server(wire.url, SECRET).create_hook("https://a/").existed


def test_hooks_of_an_old_server_take_sha1_only(serve):
    def script(request):
        known = len(request.query["checksum"]) == 40 or not request.path.endswith("hooks/list")
        return success("<hooks/>") if known else failed("checksumError")

    wire = serve(script)
    server = Server(wire.url, SECRET)
    assert server.hooks() == []
    assert server.hooks() == []
    assert [len(one.query["checksum"]) for one in wire.requests] == [64, 40, 40]


def test_hooks_with_a_wrong_secret(serve):
    wire = serve(lambda _: failed("checksumError"))
    with pytest.raises(ChecksumRefusedError) as caught:
        Server(wire.url, SECRET).hooks()
    assert caught.value.permanent
    assert SECRET not in str(caught.value)


def test_server_without_webhooks(serve):
    wire = serve(lambda _: answer("<html><h1>404</h1></html>", "404 Not Found", "text/html"))
    with pytest.raises(WebhooksUnavailableError) as caught:
        Server(wire.url, SECRET).create_hook("https://a/")
    assert caught.value.permanent


@pytest.mark.parametrize(
    ("probe", "webhooks", "chat", "insert"),
    [
        ("<bbbVersion>3.0.4</bbbVersion>", True, True, True),
        ("<bbbVersion>2.7.18</bbbVersion>", True, False, True),
        ("<bbbVersion>2.4.9</bbbVersion>", False, False, False),
        ("<bbbVersion></bbbVersion><graphqlApiUrl>https://b/api/rest</graphqlApiUrl>", True, True, True),
        ("<version>2.0</version>", False, False, True),
    ],
)
def test_capabilities(serve, probe, webhooks, chat, insert):
    def script(request):
        if request.path == "/bigbluebutton/api/":
            return success(f"<version>2.0</version><apiVersion>2.0</apiVersion>{probe}")
        return success("<hooks/>") if webhooks else answer("", "404 Not Found")

    capabilities = Server(serve(script).url, SECRET).capabilities()
    assert (capabilities.webhooks, capabilities.send_chat_message, capabilities.insert_document) == (
        webhooks,
        chat,
        insert,
    )


def test_capabilities_are_remembered_for_a_while(serve):
    wire = serve(lambda _: success("<bbbVersion>3.0.4</bbbVersion>"))
    now = [100.0]
    server = Server(wire.url, SECRET, clock=lambda: now[0])
    for later_s, calls in [(0, 2), (599, 2), (601, 4)]:
        now[0] = 100.0 + later_s
        assert server.capabilities().version == "3.0.4"
        assert len(wire.requests) == calls


def test_version_takes_one_call_and_is_remembered_for_what_else_asks(serve):
    now = [100.0]
    wire = serve(lambda request: success("<bbbVersion>3.0.4</bbbVersion>"))
    server = Server(wire.url, SECRET, clock=lambda: now[0])
    assert server.version() == server.version() == "3.0.4"
    assert len(wire.requests) == 1
    assert server.capabilities().version == "3.0.4"
    assert len(wire.requests) == 2  # the hooks alone
    now[0] += 601
    assert server.version() == "3.0.4"
    assert len(wire.requests) == 3
