"""Broadcasters and live gateways."""

from typing import Any

from django.core.exceptions import ValidationError

from amphi.audience.models import Broadcaster
from amphi.pod_import.dump import BroadcasterRow, GatewayRow
from amphi.pod_import.ledger import LeftOutError
from amphi.system.terminal import say
from amphi.webinars.models import LiveGateway


class Broadcasters:
    """Broadcasters; one that reads the same address is the same."""

    name = "broadcaster"
    model = Broadcaster

    def label(self, row: BroadcasterRow) -> str:
        return row.name

    def known(self, row: BroadcasterRow) -> Broadcaster | None:
        return Broadcaster.objects.filter(hls_url=row.url).first()

    def make(self, row: BroadcasterRow) -> Broadcaster:
        slug, number = row.slug or "pod", 2
        while Broadcaster.objects.filter(slug=slug).exists():
            slug, number = f"{row.slug[:190] or 'pod'}-{number}", number + 1
        made = Broadcaster(slug=slug)
        self.change(made, row)
        return made

    def change(self, found: Broadcaster, row: BroadcasterRow) -> None:
        found.name, found.hls_url = row.name, row.url
        _save(found)

    def current(self, found: Broadcaster) -> dict[str, Any]:
        return {"name": found.name, "hls_url": found.hls_url}


class Gateways:
    """Live gateways: the ways from a meeting to a broadcaster, of which each carries one webinar at a time.

    Args:
        broadcasters: those that came, by their number in Pod.
    """

    name = "gateway"
    model = LiveGateway

    def __init__(self, broadcasters: dict[int, Broadcaster]) -> None:
        self._broadcasters = broadcasters

    def label(self, row: GatewayRow) -> str:
        # Its RTMP address may have a key.
        return row.rtmp_stream_url.partition("?")[0]

    def known(self, row: GatewayRow) -> LiveGateway | None:
        found = LiveGateway.objects.filter(broadcaster=self._broadcaster(row)).first()
        if found is not None and found.rtmp_stream_url.partition("?")[0] != self.label(row):
            raise LeftOutError(
                say(
                    en="its broadcaster has another live gateway here: each has one",
                    fr="son diffuseur a déjà une autre passerelle de live ici\u00a0: chacun en a une",
                )
            )
        return found

    def make(self, row: GatewayRow) -> LiveGateway:
        made = LiveGateway(broadcaster=self._broadcaster(row))
        self.change(made, row)
        return made

    def change(self, found: LiveGateway, row: GatewayRow) -> None:
        found.rtmp_stream_url = row.rtmp_stream_url
        found.sipmediagw_url, found.sipmediagw_token = row.url, row.token
        _save(found)

    def current(self, found: LiveGateway) -> dict[str, Any]:
        return {
            name: getattr(found, name) for name in ("rtmp_stream_url", "sipmediagw_url", "sipmediagw_token")
        }

    def _broadcaster(self, row: GatewayRow) -> Broadcaster:
        found = self._broadcasters.get(row.broadcaster)
        if found is None:
            raise LeftOutError(say(en="its broadcaster did not come", fr="son diffuseur n’a pas été importé"))
        return found


def _save(row: Broadcaster | LiveGateway) -> None:
    try:
        row.full_clean()
    except ValidationError as error:
        raise LeftOutError(" ".join(error.messages)) from None
    row.save()
