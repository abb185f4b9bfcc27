"""A webinar on a running demo: brought into a state, disturbed, and looked at as its listeners and its supervisor see it.

Needs Django set up with the demo's own environment.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import httpx
import psutil
from django.urls import reverse
from django.utils import timezone

from amphi.accounts.models import User
from amphi.meetings.domain import MeetingFields
from amphi.webinars.models import Livestream, State
from amphi.webinars.saving import create_meeting
from amphi.worker import probe
from tests.demo.running import RunningDemo

PATIENCE_S = 150
POLL_S = 0.1
PORT_OFFSETS = {"web": 0, "gateway": 2, "origin": 3}


def wait_until(seen: Callable[[], object], what: str, *, timeout_s: float = PATIENCE_S) -> None:
    """Wait until `seen` says yes."""
    deadline = time.monotonic() + timeout_s
    while not seen():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(POLL_S)


def make_webinar() -> Livestream:
    """A webinar of the demo's presenter that begins now."""
    user = User.objects.get(username="camille")
    fields = MeetingFields(
        name="Fiabilité", start_at=timezone.now(), duration=timedelta(hours=2), is_webinar=True
    )
    saved = create_meeting(user=user, fields=fields)
    assert saved.conflict is None
    return Livestream.objects.get(meeting=saved.meeting)


class Parts:
    """The demo's processes."""

    def __init__(self, demo: RunningDemo) -> None:
        self.demo = demo

    def find(self, part: str) -> psutil.Process | None:
        """The process of `part`, not its keeper; None while there is none."""
        for process in self.demo.descendants():
            try:
                command = process.cmdline()
            except psutil.Error:
                continue
            if command[1:] == ["-m", "amphi", part]:
                return process
        return None

    def get(self, part: str) -> psutil.Process:
        found = self.find(part)
        assert found is not None, f"{part} does not run"
        return found

    @contextmanager
    def frozen(self, part: str) -> Iterator[None]:
        """Let `part` do nothing meanwhile; harmless when it is killed in there."""
        process = self.get(part)
        process.suspend()
        try:
            yield
        finally:
            if process.is_running():
                process.resume()

    def is_back(self, part: str, old: psutil.Process) -> bool:
        """Whether another process has taken the place of `old`, and answers."""
        new = self.find(part)
        if new is None or new == old:
            return False
        if part not in PORT_OFFSETS:
            return True
        try:
            return httpx.get(
                f"http://127.0.0.1:{self.demo.port + PORT_OFFSETS[part]}/healthz", timeout=5
            ).is_success
        except httpx.HTTPError:
            return False


class DemoWebinar:
    """One webinar of a demo, which its presenter starts, restarts and stops over HTTP, at the demo's address or another `url`."""

    def __init__(self, demo: RunningDemo, livestream: Livestream, *, url: str = "") -> None:
        self.demo = demo
        self.pk = livestream.pk
        self.slug = livestream.meeting.slug
        self.url = url or demo.url
        self._client = httpx.Client(base_url=self.url, timeout=60)
        self._log_in()

    def close(self) -> None:
        self._client.close()

    def _log_in(self) -> None:
        form = {"username": "camille", "password": self.demo.password("camille")}
        self._post("/accounts/login/", form, page="/accounts/login/")
        self._meeting_page = reverse("meetings:detail", args=[self.slug])

    def _post(self, url: str, form: dict[str, str], *, page: str) -> None:
        answer = self._client.get(page)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', answer.text)
        assert token, answer.text
        form = form | {"csrfmiddlewaretoken": token[1]}
        answer = self._client.post(url, data=form, headers={"Referer": self.url})
        assert answer.status_code == 302, answer.text

    def ask(self, action: str) -> None:
        """Press a button: ``meetings:start``, ``webinars:stop``, ``webinars:restart``, ``webinars:end``."""
        self._post(reverse(action, args=[self.slug]), {}, page=self._meeting_page)

    def row(self) -> Livestream:
        return Livestream.objects.select_related("gateway__broadcaster", "event", "meeting").get(pk=self.pk)

    @property
    def state(self) -> State:
        return State(Livestream.objects.values_list("state", flat=True).get(pk=self.pk))

    def mark(self) -> str | None:
        """Changes whenever a listener finds new media; None when there is nothing to play, or it is over."""
        playlist = probe.probe(self.row())
        return None if playlist is None or playlist.ended else playlist.mark

    def advances(self) -> bool:
        """Whether new media come within a second or two."""
        before = self.mark()
        if before is None:
            return False
        time.sleep(1.2)
        return self.mark() not in {None, before}

    def publishing(self) -> list[str]:
        """The jobs of the gateway that are not over."""
        gateway = self.row().gateway
        headers = {"Authorization": f"Bearer {gateway.sipmediagw_token}"}
        jobs = httpx.get(f"{gateway.sipmediagw_url}/jobs", headers=headers, timeout=60).json()["jobs"]
        return [job["job_id"] for job in jobs if job["state"] != "idle"]

    # --- states

    def bring_to_live(self) -> None:
        if self.state not in {State.LIVE, State.STARTING, State.RECOVERING}:
            self.ask("meetings:start")
        wait_until(lambda: self.state == State.LIVE and self.advances(), "live")

    def bring_to_stopped(self) -> None:
        if self.state in {State.LIVE, State.STARTING, State.RECOVERING}:
            self.ask("webinars:stop")
        wait_until(lambda: self.state in {State.IDLE, State.STOPPED, State.FAILED}, "stopped")

    def _job_is_made(self) -> bool:
        row = self.row()
        return bool(row.gateway_asked_at and str(row.job_id) in self.publishing())

    @contextmanager
    def in_state(self, state: State, parts: Parts) -> Iterator[None]:
        """Bring it into a running `state`, which lasts at least until the block is entered."""
        if state == State.STARTING:
            self.bring_to_stopped()
            self.ask("meetings:start")
            wait_until(self._job_is_made, "a job that starts")
            yield
        elif state == State.RECOVERING:
            self.bring_to_live()
            self.ask("webinars:restart")
            wait_until(self._job_is_made, "a job that starts again")
            yield
        elif state == State.STOPPING:
            self.bring_to_live()
            with parts.frozen("worker"):
                self.ask("webinars:stop")
                assert self.state == State.STOPPING
                yield
        else:
            self.bring_to_live()
            yield

    def is_live_again(self, since: float) -> bool:
        """Whether the supervisor saw new media after `since` (seconds since 1970), and there are more."""
        row = self.row()
        seen_at = row.media_seen_at
        return bool(
            row.state == State.LIVE and seen_at and seen_at.timestamp() > since and self.mark() is not None
        )

    def is_stopped(self) -> bool:
        return self.state == State.STOPPED and self.mark() is None and not self.publishing()
