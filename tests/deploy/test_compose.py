"""compose.yml is whole: what it names is there, nothing answers the world, versions are those that were run.

Its services run in test_whole_set.py. Not run: containers, Grafana, Vector.
"""

import re
import stat
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support import kafka_jars
from tests.support.composed import COMPOSE, Composed
from tests.support.dockerfile import stages
from tests.support.shipped import ROOT

FOLDER = COMPOSE.parent
SAID = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
SERVICES = SAID["services"]
PAGE = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")


def checked(service: dict) -> bool:
    """Whether something tells how the service is: its own check, or that of our image."""
    return "disable" not in service.get("healthcheck", {"disable": True}) or (
        service["image"] == "privwatch:local" and "healthcheck" not in service
    )


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_for_what_is_there_and_can_be_waited_for(name):
    waits = SERVICES[name].get("depends_on", {})
    for other, how in waits.items() if isinstance(waits, dict) else ():
        if how["condition"] == "service_healthy":
            assert checked(SERVICES[other]), f"nobody says how {other} is"
        if how["condition"] == "service_completed_successfully":
            assert SERVICES[other].get("restart", "no") == "no", f"{other} never ends"
    for other in waits:
        assert not SERVICES[other].get("profiles"), f"{other} may be left out"


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_mounts_is_there(name):
    for mount in SERVICES[name].get("volumes", ()):
        source, target, *mode = mount.split(":")
        assert target.startswith("/")
        if source.startswith("."):
            assert (FOLDER / source).exists(), mount
            assert mode == ["ro"], f"{mount}: files of this project are not written"
        else:
            assert source in SAID["volumes"], mount
    for secret in SERVICES[name].get("secrets", ()):
        assert secret in SAID["secrets"]


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_answers_other_machines(name):
    for port in SERVICES[name].get("ports", ()):
        assert port.startswith("127.0.0.1:"), port


def test_no_volume_or_secret_is_left_over():
    used = {mount.split(":")[0] for one in SERVICES.values() for mount in one.get("volumes", ())}
    assert set(SAID["volumes"]) <= used
    assert set(SAID["secrets"]) == {secret for one in SERVICES.values() for secret in one.get("secrets", ())}


def test_what_is_built_can_be_built():
    for service in SERVICES.values():
        if "build" in service:
            context = FOLDER / service["build"]["context"]
            assert stages(context / service["build"]["dockerfile"])
    (profiles,) = re.findall(r"COMPOSE_PROFILES=(\w+)", (FOLDER / ".env").read_text(encoding="utf-8"))
    assert profiles in {one for service in SERVICES.values() for one in service.get("profiles", ())}


def test_images_have_versions_and_kafkas_is_the_one_that_is_tested():
    images = {service["image"] for service in SERVICES.values()}
    assert all(re.search(r":[\w.-]*\d|:local$", image) for image in images), images
    assert f"apache/kafka:{kafka_jars.VERSION}" in images


def test_our_containers_may_write_nothing_and_gain_nothing():
    ours = [name for name, service in SERVICES.items() if service["image"] == "privwatch:local"]
    assert ours == ["privwatch", "account", "web", "generator"]
    for name in ours:
        assert SERVICES[name]["read_only"]
        assert SERVICES[name]["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in SERVICES[name]["security_opt"]


def test_dashboards_find_the_prometheus_that_is_there():
    source = yaml.safe_load(
        (ROOT / "deploy" / "grafana" / "provisioning" / "datasources" / "prometheus.yml").read_text()
    )
    assert source["datasources"][0]["url"] == "http://prometheus:9090"
    (dashboards,) = yaml.safe_load(
        (ROOT / "deploy" / "grafana" / "provisioning" / "dashboards" / "privwatch.yml").read_text()
    )["providers"]
    targets = [mount.split(":")[1] for mount in SERVICES["grafana"]["volumes"]]
    assert dashboards["options"]["path"] in targets
    assert "/etc/grafana/provisioning" in targets


def test_the_command_makes_secrets_once_and_keeps_them_from_others(tmp_path):
    placed = Composed(tmp_path).compose
    secrets = sorted((placed / "secrets").iterdir())
    assert [file.name for file in secrets] == sorted(SAID["secrets"])
    assert stat.S_IMODE((placed / "secrets").stat().st_mode) == 0o700
    first = [file.read_text() for file in secrets]
    assert len(set(first)) == len(first)
    assert all(len(one) == 24 and one.isprintable() for one in first)
    assert run(placed, "secrets").returncode == 0
    assert [file.read_text() for file in secrets] == first
    wrong = run(placed, "start")
    assert (wrong.returncode, "there is no start" in wrong.stderr) == (2, True)


def test_the_secrets_are_never_committed():
    assert "/deploy/compose/secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_the_page_says_where_everything_answers():
    section = PAGE.partition("\n## The whole set")[2].partition("\n## ")[0]
    for service in SERVICES.values():
        for port in service.get("ports", ()):
            assert port.split(":")[1] in section, port


def run(folder: Path, word: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([folder / "demo.sh", word], capture_output=True, text=True, check=False, timeout=30)
