"""The rules that deploy/containers keeps, read from its files; no engine is asked. `make test-containers` builds and starts."""

import json
import re
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from amphi.cli import COMMANDS
from amphi.system.setting_names import NAMES
from tests.deploy.units import read_unit

TOP = Path(__file__).parents[1]
FOLDER = TOP / "deploy" / "containers"
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text())
PARTS: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(set(PARTS) - {"postgres"})
RUNNING = sorted(set(PARTS) - {"tables"})
DOCKERFILE = (FOLDER / "Dockerfile").read_text().replace("\\\n", " ")
STAGES = {
    match[2]: match[0]
    for match in re.finditer(r"^FROM (\S+) AS (\w+)\n(?:(?!FROM ).*\n?)*", DOCKERFILE, re.MULTILINE)
}
PAGE = (TOP / "docs" / "containers.md").read_text()


@pytest.mark.parametrize("name", PARTS)
def test_part_is_closed(name):
    part = PARTS[name]
    assert part["read_only"] is True
    assert part["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in part["security_opt"]
    assert not {"privileged", "network_mode", "pid", "ipc", "userns_mode", "devices"} & set(part)
    assert not any("docker.sock" in volume for volume in part["volumes" if "volumes" in part else "tmpfs"])
    assert name == "postgres" or "cap_add" not in part


@pytest.mark.parametrize("name", RUNNING)
def test_part_is_watched_and_started_again(name):
    assert PARTS[name]["restart"] == "unless-stopped"
    assert PARTS[name]["healthcheck"]["test"][0] == "CMD"
    assert PARTS[name]["logging"]["options"]["max-file"]


def test_nginx_alone_is_published():
    assert [name for name in PARTS if "ports" in PARTS[name]] == ["nginx"]
    assert COMPOSE["networks"]["inside"]["internal"] is True
    assert PARTS["postgres"]["networks"] == ["inside"]
    assert list(PARTS["origin"]["networks"]) == ["inside"]


def test_platform_believes_nginx_alone():
    address = PARTS["nginx"]["networks"]["inside"]["ipv4_address"]
    assert PARTS["web"]["environment"]["AMPHI_TRUSTED_PROXIES"] == address
    # On another network that both are on, nginx would come from another address.
    assert set(PARTS["nginx"]["networks"]) & set(PARTS["web"]["networks"]) == {"inside"}
    [subnet] = COMPOSE["networks"]["inside"]["ipam"]["config"]
    fixed = [PARTS[name]["networks"]["inside"]["ipv4_address"] for name in ("nginx", "web", "origin")]
    assert all(ip_address(one) in ip_network(subnet["subnet"]) for one in fixed)
    assert len(set(fixed)) == len(fixed)


def test_no_secret_stands_in_the_files():
    for text in ((FOLDER / "compose.yaml").read_text(), DOCKERFILE):
        assert not re.search(r"(?:KEY|SECRET|TOKEN|PASSWORD)\w*\s*[:=]", text)
    assert {name: PARTS[name]["env_file"] for name in PARTS if "env_file" in PARTS[name]} == {
        **dict.fromkeys(("web", "worker", "tables"), "platform.env"),
        **{name: f"{name}.env" for name in ("gateway", "origin", "postgres")},
    }
    assert all(
        f"cat >{file} <<EOF" in PAGE
        for file in {part.get("env_file", ".env") for part in PARTS.values()} - {".env"}
    )


def test_each_setting_is_known():
    names = {name for part in PARTS.values() for name in part.get("environment", {})}
    names |= set(re.findall(r"^    (AMPHI_\w+)=", PAGE, re.MULTILINE))
    # The edge's own.
    names -= {"AMPHI_HOST"}
    assert {name for name in names if name not in NAMES and name.removeprefix("AMPHI_") not in NAMES} == set()


@pytest.mark.parametrize("name", OURS)
def test_part_runs_an_image_of_the_dockerfile(name):
    target = PARTS[name]["image"].removeprefix("amphi-")
    assert target in STAGES
    users = re.findall(r"^USER (\S+)", STAGES[target], re.MULTILINE)
    assert int(users[-1].split(":")[0]) > 0, "root"
    command = (
        PARTS[name].get("command")
        or json.loads(re.findall(r"^CMD (.*)", STAGES[target], re.MULTILINE)[-1:][0])
        if target != "edge"
        else []
    )
    if len(command) == 1 and name != "tables":
        assert command[0] in COMMANDS


def test_images_come_from_a_release_of_debian():
    assert "ARG DEBIAN=debian:bookworm-slim\n" in DOCKERFILE
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) <= {"$DEBIAN", *STAGES}
    assert PARTS["postgres"]["image"] == "postgres:15-bookworm", "pg_dump of Debian 12 is of this version"


def test_gateway_refuses_what_its_unit_refuses_and_leaves_chromium_its_sandbox():
    profile = json.loads((FOLDER / "gateway-seccomp.json").read_text())
    refused = {name for group in profile["syscalls"] for name in group["names"]}
    [filtered] = read_unit(TOP / "deploy" / "systemd" / "amphi-gateway.service")["SystemCallFilter"]
    assert all(group in profile["syscalls"][0]["comment"] for group in filtered.lstrip("~").split())
    assert {
        "init_module",
        "kexec_load",
        "reboot",
        "swapon",
        "settimeofday",
        "iopl",
        "mount",
        "bpf",
    } <= refused
    assert not {"clone", "clone3", "unshare", "chroot", "seccomp", "prctl"} & refused
    assert "seccomp:./gateway-seccomp.json" in PARTS["gateway"]["security_opt"]
