"""The chart: Helm renders it, Kubernetes and the Prometheus operator take it, its pods may do nothing."""

import functools
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from cloudcoil.models.prometheus_operator import v1 as operator

from monitor import telemetry
from monitor.settings import load_settings
from tests.support import helm
from tests.support.shipped import ROOT
from tests.support.unmet import cannot_run

CHART = ROOT / "deploy" / "helm" / "privwatch"
RULES = ROOT / "deploy" / "prometheus" / "rules"
VALUES = sorted((CHART / "ci").glob("*.yaml"))
WHOLE = CHART / "ci" / "whole.yaml"
LEAST = CHART / "ci" / "least.yaml"
OLDEST, NEWEST = "1.27", "1.37"


@pytest.fixture(autouse=True)
def _helm() -> None:
    if reason := helm.provision():
        cannot_run(reason)


def render(values: Path, *said: str) -> subprocess.CompletedProcess[str]:
    changed = [part for one in said for part in ("--set", one)]
    command = [helm.tool(), "template", "privwatch", CHART, "--namespace", "privacy", "-f", values, *changed]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@functools.cache
def objects(values: Path, *said: str) -> list[dict]:
    done = render(values, *said)
    assert done.returncode == 0, done.stderr
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def the(kind: str, name: str = "privwatch", values: Path = WHOLE, *said: str) -> dict:
    (found,) = (
        one for one in objects(values, *said) if (one["kind"], one["metadata"]["name"]) == (kind, name)
    )
    return found


def pods(values: Path) -> Iterator[dict]:
    return (one["spec"]["template"]["spec"] for one in objects(values) if one["kind"] == "Deployment")


def containers(pod: dict) -> list[dict]:
    return [*pod.get("initContainers", ()), *pod["containers"]]


@pytest.mark.parametrize("values", VALUES, ids=lambda values: values.stem)
def test_helm_has_nothing_to_object(values):
    command = [helm.tool(), "lint", "--strict", CHART, "-f", values]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("values", VALUES, ids=lambda values: values.stem)
def test_kubernetes_takes_what_is_rendered(values, version):
    ours = [one for one in objects(values) if "monitoring.coreos.com" not in one["apiVersion"]]
    assert len({one["kind"] for one in ours}) >= 6
    for one in ours:
        kubernetes_validate.validate(one, version, strict=True)
    broken = json.loads(json.dumps(the("Deployment", values=values)))
    broken["spec"]["template"]["spec"]["containers"][0]["privileged"] = False
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, version, strict=True)


@pytest.mark.parametrize("kind", ["ServiceMonitor", "PrometheusRule"])
def test_the_prometheus_operator_takes_its_kinds(kind):
    said = the(kind)
    taken = getattr(operator, kind).model_validate(said)
    # What it does not know it drops: so nothing may be missing.
    assert json.loads(taken.model_dump_json(by_alias=True, exclude_unset=True)) == said


def test_prometheus_gets_the_rules_that_are_tested_and_limits_from_the_values():
    rendered = {group["name"]: group for group in the("PrometheusRule")["spec"]["groups"]}
    ours = [
        group
        for file in sorted(RULES.glob("*.rules.yml"))
        if file.name != "limits.rules.yml"
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
    ]
    limits = rendered.pop("privwatch-limits")
    assert rendered == {group["name"]: group for group in ours}
    (shipped,) = yaml.safe_load((RULES / "limits.rules.yml").read_text(encoding="utf-8"))["groups"]
    (limit,) = limits["rules"]
    assert limit == {
        "record": shipped["rules"][0]["record"],
        "expr": "vector(90000)",
        "labels": {"source": "app-audit"},
    }


@pytest.mark.parametrize("values", VALUES, ids=lambda values: values.stem)
def test_pods_are_restricted(values):
    """As the Pod Security Standards say of `restricted`, with a root that is read only, and no token."""
    assert len(list(pods(values))) == 2
    for pod in pods(values):
        assert pod["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert all({"configMap", "secret", "emptyDir"} & set(volume) for volume in pod["volumes"])
        for container in containers(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert "memory" in container["resources"]["limits"]
            mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
            assert set(mounts) <= {volume["name"] for volume in pod["volumes"]}
            assert [name for name, mount in mounts.items() if not mount.get("readOnly")] == ["tmp"]


def test_the_daemon_never_sees_the_key_of_the_ledger_nor_the_pages_that_of_pseudonyms():
    secrets = [
        {volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume}
        for pod in pods(WHOLE)
    ]
    assert [sorted(one & {"privwatch-key", "privwatch-ledger"}) for one in secrets] == [
        ["privwatch-key"],
        ["privwatch-ledger"],
    ]


@pytest.mark.parametrize("values", VALUES, ids=lambda values: values.stem)
def test_the_settings_are_ones_that_privwatch_takes(values, tmp_path):
    file = tmp_path / "privwatch.yml"
    file.write_text(the("ConfigMap", values=values)["data"]["privwatch.yml"], encoding="utf-8")
    said = load_settings(file, {})
    given = yaml.safe_load(values.read_text(encoding="utf-8"))
    assert said.store == given["store"]["url"]
    daemon, _ = pods(values)
    (container,) = daemon["containers"]
    mounted = [Path(mount["mountPath"]) for mount in container["volumeMounts"]]
    for path in [said.key, said.store_password_file, said.metrics.tls.cert, *said.rules]:
        if path is not None and path.is_absolute() and "shipped" not in path.parts:
            assert any(path.is_relative_to(mount) for mount in mounted), path
    assert said.metrics.port == container["ports"][0]["containerPort"]


@pytest.mark.parametrize("values", VALUES, ids=lambda values: values.stem)
def test_commands_and_options_exist(values):
    for pod in pods(values):
        for container in containers(pod):
            words = " ".join(container["args"]).removeprefix("exec privwatch ").split()
            command = ["account", "keep"] if words[0] == "account" else words[:1]
            done = subprocess.run(
                [sys.executable, "-m", "monitor", *command, "--help"],
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            assert done.returncode == 0
            assert [one for one in words if one.startswith("--") and one not in done.stdout] == []


def test_instances_by_lag_are_never_more_than_partitions():
    scaler = the("HorizontalPodAutoscaler")["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 6)
    assert "replicas" not in the("Deployment")["spec"], "it would undo what the scaler did"
    (metric,) = scaler["metrics"]
    assert metric["external"]["metric"]["name"] in {one.name for one in telemetry.METRICS}
    capped = the("HorizontalPodAutoscaler", "privwatch", WHOLE, "autoscaling.maxReplicas=3")
    assert capped["spec"]["maxReplicas"] == 3
    adapter = yaml.safe_load((ROOT / "deploy/helm/prometheus-adapter.values.yml").read_text(encoding="utf-8"))
    (rule,) = adapter["rules"]["external"]
    assert rule["name"]["as"] == metric["external"]["metric"]["name"]
    assert the("Service", "privwatch-metrics")["metadata"]["name"] in str(metric)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("daemon.replicas=2", "daemon.replicas is 2, daemon.partitions 1"),
        ("store.url=", "store.url is empty"),
        ("store.url=sqlite:///x.db", "/store/url"),
        ("keys.pseudonyms.secret=", "keys.pseudonyms.secret is empty"),
        ("keys.ledger.secret=", "keys.ledger.secret is empty"),
        ("settings.sources.kafka.bootstrap=", "bootstrap is empty"),
        ("settings.sources.files.nginx.paths=/x", "/settings/sources"),
        ("settings.dead_letters.file=/x", "/settings/dead_letters/file"),
        ("rules.shipped=false", "there are no rules"),
        ("web.account.name=dora", "web.account.secret is empty"),
        ("replicas=3", "additional properties 'replicas' not allowed"),
    ],
)
def test_values_that_cannot_be_are_refused_in_words(said, words):
    done = render(LEAST, said)
    assert done.returncode != 0
    assert words in done.stderr


def test_the_values_on_the_page_are_ones_that_the_chart_takes(tmp_path):
    page = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    said = page.partition("# values.yml\n")[2].partition("```")[0]
    (tmp_path / "values.yml").write_text(said, encoding="utf-8")
    done = render(tmp_path / "values.yml")
    assert done.returncode == 0, done.stderr
    kinds = [one["kind"] for one in yaml.safe_load_all(done.stdout) if one]
    assert {"Deployment", "ServiceMonitor", "PrometheusRule"} <= set(kinds)
    made = {line.split()[6] for line in page.splitlines() if "create secret generic" in line}
    assert made == {"privwatch-key", "privwatch-ledger", "privwatch-store", "privwatch-dora"}
    assert all(f"secretName: {name}," in done.stdout for name in made)


def test_the_version_is_that_of_the_package():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'\nversion = "{chart["appVersion"]}"\n' in pyproject
    assert f'">={OLDEST}' in (CHART / "Chart.yaml").read_text(encoding="utf-8")
