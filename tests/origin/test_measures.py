"""What Prometheus reads of the origin, as literal text, and who may."""

from types import SimpleNamespace

import pytest

from amphi.origin.config import Config
from amphi.origin.http_app import OriginApp
from amphi.origin.measures import Measures
from amphi.origin.streams import Streams

TEXT = """\
# HELP amphi_origin_streams Streams that are live.
# TYPE amphi_origin_streams gauge
amphi_origin_streams 2.0
# HELP amphi_origin_publishers Streams that are published now.
# TYPE amphi_origin_publishers gauge
amphi_origin_publishers 1.0
# HELP amphi_origin_standbys Streams with a second publisher now.
# TYPE amphi_origin_standbys gauge
amphi_origin_standbys 0.0
# HELP amphi_origin_switches_total How often a stream went on with its second publisher.
# TYPE amphi_origin_switches_total counter
amphi_origin_switches_total 0.0
# HELP amphi_origin_slates Streams that show a slate now.
# TYPE amphi_origin_slates gauge
amphi_origin_slates 0.0
# HELP amphi_origin_encoders Streams whose smaller pictures are encoded now.
# TYPE amphi_origin_encoders gauge
amphi_origin_encoders 0.0
# HELP amphi_origin_silent_seconds How long nothing has come from the publisher that is silent for longest.
# TYPE amphi_origin_silent_seconds gauge
amphi_origin_silent_seconds 0.0
# HELP amphi_origin_blocked_requests Requests that wait for media.
# TYPE amphi_origin_blocked_requests gauge
amphi_origin_blocked_requests 0.0
# HELP amphi_origin_received_bytes_total Bytes from publishers.
# TYPE amphi_origin_received_bytes_total counter
amphi_origin_received_bytes_total 4096.0
# HELP amphi_origin_sent_bytes_total Bytes to players and caches.
# TYPE amphi_origin_sent_bytes_total counter
amphi_origin_sent_bytes_total 40.0
# HELP amphi_origin_answers_total Answers by their status.
# TYPE amphi_origin_answers_total counter
amphi_origin_answers_total{status="401"} 1.0
amphi_origin_answers_total{status="404"} 1.0
# HELP process_"""


def scope(path: str, authorization: str = "") -> dict[str, object]:
    headers = [(b"authorization", authorization.encode())]
    return {"method": "GET", "path": path, "query_string": b"", "headers": headers}


def test_figures_are_told_to_who_knows_the_token(monkeypatch):
    config = Config(metrics_token="t", slate=False)
    streams = Streams(config)
    streams.begin("lecture", object())
    streams.begin("abandoned", object()).publisher = None
    now = streams.get("lecture").last_media_at
    monkeypatch.setattr("amphi.origin.measures.datetime", SimpleNamespace(now=lambda _: now))
    app = OriginApp(config, streams, measures=Measures(streams, SimpleNamespace(received_bytes=4096)))
    assert app.at_once(scope("/hls/none.m3u8"))[0].status == 404
    assert app.at_once(scope("/metrics", "Bearer wrong"))[0].status == 401
    answer, head = app.at_once(scope("/metrics", "Bearer t"))
    assert answer.status == 200
    assert answer.body[0].decode().startswith(TEXT)
    assert b"content-type: text/plain; version=0.0.4; charset=utf-8\r\n" in head


@pytest.mark.parametrize("authorization", ["", "Bearer "])
def test_without_a_token_there_are_no_figures(authorization):
    config = Config()
    app = OriginApp(config, Streams(config))
    assert app.at_once(scope("/metrics", authorization))[0].status == 404
