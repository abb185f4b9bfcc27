"""A Prometheus of Debian's reads all parts, and the rules fire. `make test-prometheus` brings it."""

import json
import re
import shutil
import subprocess
from contextlib import ExitStack
from urllib.parse import quote

import httpx
import pytest

from tests import ports, services
from tests.services import TOP
from tests.waiting import wait_for

SHIPPED = TOP / "deploy" / "prometheus"
TOKEN = "read-me"
PARTS = {"web": 8000, "worker": 8004, "gateway": 8002, "origin": 8003}


@pytest.fixture
def folder(tmp_path):
    """What is shipped, with a token beside it."""
    made = tmp_path / "prometheus"
    shutil.copytree(SHIPPED, made)
    (made / "amphi.token").write_text(TOKEN)
    return made


@pytest.mark.parametrize(
    "arguments",
    [("check", "config", "prometheus.yml"), ("test", "rules", "amphi.rules.test.yml")],
    ids=lambda arguments: arguments[1],
)
def test_promtool_accepts(folder, arguments):
    done = subprocess.run(
        ["promtool", *arguments], cwd=folder, check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout


@pytest.fixture
def parts(tmp_path):
    """All parts, and the ports where each tells its figures; the worker can be stopped."""
    at = {part: ports.reserve() for part in PARTS}
    env = services.environment(
        tmp_path,
        AMPHI_METRICS_TOKEN=TOKEN,
        AMPHI_GATEWAY_TOKEN="another",
        AMPHI_GATEWAY_WARM="0",
        AMPHI_GATEWAY_HTTP=f"127.0.0.1:{at['gateway']}",
        AMPHI_ORIGIN_HTTP=f"127.0.0.1:{at['origin']}",
        AMPHI_ORIGIN_RTMP=f"127.0.0.1:{ports.reserve()}",
        AMPHI_WORKER_HTTP=f"127.0.0.1:{at['worker']}",
        AMPHI_HTTP=f"127.0.0.1:{at['web']}",
    )
    services.migrate(env)
    with ExitStack() as stack:
        started = {
            part: services.serve(stack, env, tmp_path, part, answers=f"http://127.0.0.1:{port}/metrics")
            for part, port in at.items()
        }
        yield at, started


@pytest.fixture
def prometheus(folder, parts, tmp_path):
    """A Prometheus with what is shipped, but for the ports, and more impatient."""
    at, _ = parts
    text = (folder / "prometheus.yml").read_text().replace("15s", "2s")
    for part, port in PARTS.items():
        text = text.replace(f'"127.0.0.1:{port}"', f'"127.0.0.1:{at[part]}"')
    (folder / "prometheus.yml").write_text(text)
    rules = folder / "amphi.rules.yml"
    rules.write_text(re.sub(r"for: \w+", "for: 4s", rules.read_text()))
    port = ports.reserve()
    with ExitStack() as stack:
        output = stack.enter_context((tmp_path / "prometheus.log").open("wb"))
        process = subprocess.Popen(
            [
                "prometheus",
                "--config.file=prometheus.yml",
                f"--storage.tsdb.path={tmp_path / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            cwd=folder,
            stdout=output,
            stderr=output,
        )
        stack.callback(process.wait, 30)
        stack.callback(process.terminate)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=10) as client:
            yield client


def ask(client: httpx.Client, query: str) -> dict[str, float]:
    """What a query gives, by the job."""
    try:
        answer = client.get(f"/query?query={quote(query)}").json()
    except (httpx.TransportError, ValueError):
        return {}
    found = answer.get("data", {}).get("result", [])
    return {one["metric"].get("job", ""): float(one["value"][1]) for one in found}


def firing(client: httpx.Client) -> set[str]:
    alerts = client.get("/alerts").json()["data"]["alerts"]
    return {one["labels"]["alertname"] for one in alerts if one["state"] == "firing"}


def on_the_board() -> list[str]:
    """What Grafana asks."""
    panels = json.loads((TOP / "deploy" / "grafana" / "amphi.json").read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def test_all_parts_are_read_and_rules_fire(parts, prometheus):
    _, started = parts
    everywhere = dict.fromkeys((f"amphi-{part}" for part in PARTS), 1.0)
    wait_for(lambda: ask(prometheus, "up") == everywhere, "all parts up")
    wait_for(lambda: ask(prometheus, "max(amphi_workers)") == {"": 1.0}, "a worker")
    assert set(ask(prometheus, "sum by (job) (amphi_work_threads)")) == {"amphi-worker"}
    assert set(ask(prometheus, "amphi_gateway_places")) == {"amphi-gateway"}
    assert set(ask(prometheus, "amphi_origin_streams")) == {"amphi-origin"}
    assert set(ask(prometheus, "process_cpu_seconds_total{job=~'amphi.*'}")) == set(everywhere)
    wait_for(lambda: firing(prometheus) == set(), "quiet")
    asked = [prometheus.get("/query", params={"query": query}).json() for query in on_the_board()]
    assert [answer for answer in asked if answer["status"] != "success"] == []
    started["worker"].terminate()
    wait_for(lambda: firing(prometheus) == {"AmphiPartDown", "AmphiNoWorker"}, "the alerts")
