"""What Prometheus reads, as literal text, and who may."""

import pytest
from django.utils import timezone

from amphi.audience import reception
from amphi.outbox import domain, signing
from amphi.outbox.models import Endpoint, Kind
from amphi.system import exposition
from amphi.system.exposition import Family, Sample
from amphi.webinars.models import State, WorkerPulse
from tests.factories import make_gateway, make_webinar, put

TOKEN = "read-me"
TEXT = """\
# HELP amphi_lives Lives by state.
# TYPE amphi_lives gauge
amphi_lives{state="live"} 1
amphi_lives{state="recovering"} 0
amphi_lives{state="starting"} 0
amphi_lives{state="stopping"} 0
amphi_lives{state="failed"} 0
# HELP amphi_gateways Live gateways.
# TYPE amphi_gateways gauge
amphi_gateways 2
# HELP amphi_gateways_busy Live gateways that carry a live.
# TYPE amphi_gateways_busy gauge
amphi_gateways_busy 1
# HELP amphi_listeners Listeners who have the page of a live open.
# TYPE amphi_listeners gauge
amphi_listeners 0
# HELP amphi_workers Workers heard of within a minute.
# TYPE amphi_workers gauge
amphi_workers 1
# HELP amphi_waiting What waits to be done, by its queue.
# TYPE amphi_waiting gauge
amphi_waiting{queue="looks"} 0
amphi_waiting{queue="retiring_jobs"} 0
amphi_waiting{queue="mails"} 0
amphi_waiting{queue="messages"} 0
amphi_waiting{queue="webhooks"} 1
# HELP amphi_player_reports Reports of players within the last minutes.
# TYPE amphi_player_reports gauge
amphi_player_reports 4
# HELP amphi_player_delay_seconds How far players are behind the newest picture.
# TYPE amphi_player_delay_seconds gauge
amphi_player_delay_seconds{quantile="0.5"} %s
amphi_player_delay_seconds{quantile="0.95"} %s
# HELP amphi_player_stalled_ratio Share of the time in which pictures stood still.
# TYPE amphi_player_stalled_ratio gauge
amphi_player_stalled_ratio 0.25
"""


@pytest.mark.django_db
def test_figures_are_told_to_who_knows_the_token(client, settings):
    settings.USE_MEETING_WEBINAR = True
    settings.AMPHI_METRICS_TOKEN = TOKEN
    make_gateway()
    live = make_webinar(gateway=make_gateway())
    put(live, State.LIVE)
    WorkerPulse.objects.create(name="w", seen_at=timezone.now())
    Endpoint.objects.create(name="SI", url="https://si.univ.fr", secret=signing.new_secret())
    domain.tell(Kind.LIVE, dict)
    sums = {reception.REPORTS: 4, reception.WATCHED_MS: 90_000, reception.STALLED_MS: 30_000}
    reception.write("p", live.event_id, sums | {f"{reception.DELAY}1": 4}, timezone.now())
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    delays = [reception.quantile([0, 4], part) for part in (0.5, 0.95)]
    assert answer.content.decode() == TEXT % tuple(f"{delay:g}" for delay in delays)
    assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"


@pytest.mark.django_db
@pytest.mark.parametrize("header", ["", "Bearer", "Bearer read-m", "Basic read-me", "Bearer é"])
def test_figures_are_not_told_to_others(client, settings, header):
    settings.AMPHI_METRICS_TOKEN = TOKEN
    assert client.get("/metrics", headers={"Authorization": header}).status_code == 401


def test_without_a_token_there_are_no_figures(client, settings):
    settings.AMPHI_METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


def test_labels_are_quoted():
    family = Family("a", "counter", "A.", [Sample(1.5, {"b": 'c"d\\e\nf'})])
    assert exposition.text([family]) == '# HELP a A.\n# TYPE a counter\na{b="c\\"d\\\\e\\nf"} 1.5\n'
