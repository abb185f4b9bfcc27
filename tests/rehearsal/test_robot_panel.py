"""The presenter's robot on a panel whose gateway takes its time to stop."""

import asyncio

import pytest

from amphi.rehearsal import robots
from amphi.rehearsal.exceptions import NoAnswerError
from amphi.rehearsal.robots import Presenter, chromium
from amphi.rehearsal.stage import STOP_TIMEOUT_S
from tests.wire import Request, WireServer, answer

pytestmark = pytest.mark.browser
# The button comes once the test has asked for it, as a panel shows it when the gateway has stopped.
PANEL = """<!doctype html><title>panel</title>
<form method="post" data-offer="restart"><button hidden>Start again</button></form>
<script>
  (async () => {
    while (!(await (await fetch("/stopped")).json()).stopped) await new Promise((next) => setTimeout(next, 50));
    document.querySelector("button").hidden = false;
  })();
</script>"""


def test_gateways_that_take_20_s_to_stop_are_waited_for():
    assert STOP_TIMEOUT_S > 2 * 20


@pytest.mark.parametrize("stops", [True, False])
def test_start_again_waits_until_it_is_offered(stops):
    asked: list[Request] = []

    def panel(request: Request) -> bytes:
        asked.append(request)
        if request.path == "/stopped":
            looks = sum(one.path == "/stopped" for one in asked)
            return answer({"stopped": stops and looks > 3})
        return answer(PANEL, content_type="text/html")

    async def visit(url: str) -> float:
        async with chromium() as browser:
            page = await (await browser.new_context()).new_page()
            presenter = Presenter(page, "presenter")
            presenter.meeting_url = url
            return await presenter.start_again(30 if stops else 0.5)

    with WireServer(panel) as server:
        if stops:
            assert asyncio.run(visit(server.url)) > 0
        else:
            with pytest.raises(NoAnswerError, match="did not offer to start"):
                asyncio.run(visit(server.url))
    assert any(one.method == "POST" for one in asked) is stops


def test_meeting_that_is_no_classroom_is_told(monkeypatch):
    """BigBlueButton's client says nothing of a state on its first element."""
    monkeypatch.setattr(robots, "STEP_S", 0.5)
    client = "<!doctype html><html><title>BigBlueButton</title><div id='app'></div>"

    async def visit(url: str) -> None:
        async with chromium() as browser:
            page = await (await browser.new_context()).new_page()
            presenter = Presenter(page, "presenter")
            presenter.meeting_url = f"{url}/meetings/lecture/"
            await page.goto(f"{url}/html5client/join")
            await presenter.enter()

    with (
        WireServer(lambda _: answer(client, content_type="text/html")) as server,
        pytest.raises(NoAnswerError, match="rehearse by hand"),
    ):
        asyncio.run(visit(server.url))
