"""Registers this gateway at the proxy of SIPMediaGW 1.8.

Newer proxies keep the state of a gateway that registers again. Older ones reset it to free, and would give it a second meeting. So
while a place works, it registers only if the proxy has forgotten it.

Newer proxies notice the end of a job only at their next look, up to half a minute later. So a place whose job has ended unregisters
and registers again, which frees it at once.
"""

import asyncio
import json
import logging

from amphi.gateway.config import Proxy
from amphi.gateway.dialect_d import job_id_of
from amphi.gateway.job_state import State
from amphi.gateway.jobs import Jobs
from amphi.system.outbound import Caller, OutboundError

logger = logging.getLogger(__name__)

PATIENCE_S = 2.0
"""Short, since proxies answer at once, and since a call under way delays the gateway's shutdown."""

LEAVE_PATIENCE_S = 0.8
FREE_AFTER_S = (1.0, 2.0, 4.0)
"""When to look whether the proxy still calls a place taken, since it writes that down after the answer to its stop."""
_OK, _NOT_FOUND = 200, 404
_TAKEN = frozenset({"working", "stopped"})


class Registration:
    """Registers each place from `start` on, and unregisters them at `close`."""

    def __init__(self, proxy: Proxy, jobs: Jobs) -> None:
        self._proxy = proxy
        self._jobs = jobs
        self._caller = Caller(timeout_s=PATIENCE_S, headers={"Authorization": f"Bearer {proxy.token}"})
        self._said: dict[str, str] = {}
        self._running: asyncio.Task[None] | None = None
        self._freeing: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self._running = asyncio.create_task(self._run())
        self._jobs.on_idle = self._free_soon

    def _free_soon(self, job_id: str) -> None:
        for gw_id in self._proxy.gw_ids:
            if job_id_of(gw_id) == job_id:
                task = asyncio.create_task(self._free(gw_id))
                self._freeing.add(task)
                task.add_done_callback(self._freeing.discard)

    async def _free(self, gw_id: str) -> None:
        for delay_s in FREE_AFTER_S:
            await asyncio.sleep(delay_s)
            state = await self._state(gw_id)
            if self._is_working(gw_id):
                return
            if state in _TAKEN:  # the proxy still calls it taken, so it can't give it away in between
                await self._call("POST", "/unregister", {"gw_id": gw_id})
                await self._announce(gw_id)

    async def _state(self, gw_id: str) -> object:
        """The proxy's state of a place; None when it does not answer or does not know the place."""
        url = f"{self._proxy.url}/status?gw_id={gw_id}"
        try:
            answer = await asyncio.to_thread(self._caller.call, "GET", url, timeout_s=PATIENCE_S)
            data = json.loads(answer.body).get("data")
        except (OutboundError, ValueError, RecursionError, AttributeError):
            return None
        return data.get("gw_state") if isinstance(data, dict) else None

    async def _run(self) -> None:
        while True:
            await asyncio.gather(*(self._announce(gw_id) for gw_id in self._proxy.gw_ids))
            await asyncio.sleep(self._proxy.every_s)

    async def _announce(self, gw_id: str) -> None:
        if self._is_working(gw_id) and await self._call("GET", f"/status?gw_id={gw_id}") != _NOT_FOUND:
            return
        # Older proxies require the field pairing_code. It is empty, since nobody pairs a remote control with this gateway.
        body = {
            "gw_ip": self._proxy.address,
            "gw_id": gw_id,
            "gw_type": "media",
            "pairing_code": "",
            "pairing_timeout": 1,
        }
        self._log_outcome(gw_id, await self._call("POST", "/register", body))

    def _is_working(self, gw_id: str) -> bool:
        return any(
            job.spec.job_id == job_id_of(gw_id) and job.status.state is not State.IDLE
            for job in self._jobs.all()
        )

    async def _call(
        self, method: str, path: str, body: object = None, timeout_s: float = PATIENCE_S
    ) -> int | str:
        """The answer's status, or the error."""
        url = self._proxy.url + path
        try:
            answer = await asyncio.to_thread(self._caller.call, method, url, json=body, timeout_s=timeout_s)
        except OutboundError as error:
            return str(error)
        return answer.status

    def _log_outcome(self, gw_id: str, outcome: int | str) -> None:
        """Log an outcome only when it differs from the last one."""
        said = "registered" if outcome == _OK else f"not registered: {outcome}"
        if self._said.get(gw_id) != said:
            logger.log(logging.INFO if outcome == _OK else logging.WARNING, "proxy: %s %s", gw_id, said)
        self._said[gw_id] = said

    async def close(self) -> None:
        """Unregister, without waiting long for a proxy that does not answer."""
        self._jobs.on_idle = lambda _: None
        for task in [*([self._running] if self._running else []), *self._freeing]:
            task.cancel()
            await asyncio.wait([task])
        leaving = (
            self._call("POST", "/unregister", {"gw_id": gw_id}, LEAVE_PATIENCE_S)
            for gw_id in self._proxy.gw_ids
        )
        await asyncio.gather(*leaving)
        self._caller.close()
