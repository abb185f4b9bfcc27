"""Runs the chosen cells on one webinar. Needs Django set up."""

import sys
import traceback
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from amphi.audience.models import Broadcaster
from amphi.webinars.models import LiveGateway
from tests.reliability.chaos import cells
from tests.reliability.chaos.scene import LOOPBACK, Scene
from tests.reliability.demo_webinar import DemoWebinar, make_webinar


def _give_the_worker_its_way() -> None:
    for one in Broadcaster.objects.all():
        one.hls_url = one.hls_url.replace(LOOPBACK, "origin.test")
        one.save()
    for gateway in LiveGateway.objects.all():
        gateway.sipmediagw_url = gateway.sipmediagw_url.replace(LOOPBACK, "gateway.test")
        gateway.save()


def what_is_wrong(cell: cells.Chaos, measured: cells.Measured) -> str:
    """What of it is not as it must be; empty when all is."""
    if measured.told_s is None or measured.told_s > cell.within_s:
        return "not told in time"
    if measured.right_s is None:
        return "not right again"
    return f"{measured.lost} lost" if measured.lost else ""


def run(scene: Scene, words: list[str]) -> Iterator[dict[str, Any]]:
    """Measure the cells with one of these `words` in their names, or all; each is given as soon as it is measured."""
    _give_the_worker_its_way()
    webinar = DemoWebinar(scene.demo, make_webinar(), url=scene.tester_url)
    try:
        for cell in cells.ALL:
            if words and not any(word in cell.name for word in words):
                continue
            sys.stderr.write(f"{cell.name} …\n")
            try:
                measured = cells.measure(scene, webinar, cell)
            except AssertionError:
                sys.stderr.write(f"{traceback.format_exc(limit=2)}{scene.demo.logs()}")
                measured = cells.Measured(cell.name, cell.lasts_s, "", None, None, 0, 0)
                webinar.bring_to_stopped()
            row = asdict(measured) | {"wrong": what_is_wrong(cell, measured)}
            sys.stderr.write(f"{row}\n{scene.demo.logs() if row['wrong'] else ''}\n")
            yield row
    except BaseException:
        sys.stderr.write(f"{scene.demo.said}{scene.demo.logs()}")
        raise
    finally:
        webinar.close()
