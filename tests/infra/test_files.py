"""Every file in infra against its own schema or tool, and against what this repository really has."""

import configparser
import fnmatch
import importlib.resources
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

import nnops

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
DOCKERFILES = sorted((INFRA / "images").glob("*.Dockerfile"))
MANIFESTS = ("raycluster.yaml", "rayjob.yaml")
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|ACCESS_KEY")
#: The fields of KubeRay's API ray.io/v1 that a manifest may have at each place.
CLUSTER = {"rayVersion", "authOptions", "enableInTreeAutoscaling", "autoscalerOptions", "headGroupSpec"}
CLUSTER |= {"workerGroupSpecs", "headServiceAnnotations", "suspend"}
HEAD = {"serviceType", "headService", "enableIngress", "rayStartParams", "template"}
WORKERS = {"groupName", "replicas", "minReplicas", "maxReplicas", "numOfHosts", "rayStartParams", "template"}
JOB = {"activeDeadlineSeconds", "backoffLimit", "rayClusterSpec", "submitterPodTemplate", "metadata", "clusterSelector"}
JOB |= {"entrypoint", "runtimeEnvYAML", "jobId", "submissionMode", "entrypointResources", "entrypointNumCpus"}
JOB |= {"entrypointNumGpus", "ttlSecondsAfterFinished", "shutdownAfterJobFinishes", "suspend", "submitterConfig"}


def read_yaml(path: Path) -> Any:
    return YAML(typ="safe").load(path)


def pins() -> dict[str, str]:
    lines = [
        *(ROOT / "constraints.txt").read_text().splitlines(),
        *(INFRA / "images/constraints.txt").read_text().splitlines(),
    ]
    return {normal(line.partition("==")[0]): line.partition("==")[2] for line in lines if "==" in line}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def instructions(path: Path) -> list[tuple[str, str]]:
    """Instructions of a Dockerfile with their arguments, lines joined."""
    text = re.sub(r"^\s*#.*\n", "", path.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split()[0], " ".join(line.split()[1:])) for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_an_image_is_small_pinned_and_not_root(path: Path) -> None:
    done = subprocess.run(["hadolint", "--no-color", str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    steps = instructions(path)
    bases = [words.split()[0] for word, words in steps if word == "FROM"]
    assert len(bases) == 2, "what only the build needs stays behind"
    assert all(re.fullmatch(r"python:3\.11\.\d+-slim-bookworm", base) for base in bases)
    assert [words for word, words in steps if word == "USER"][-1] == "1000"
    for word, words in steps:
        if word == "COPY" and "--from" not in words:
            for source in words.split()[:-1]:
                assert (ROOT / source).exists(), source
                assert not ignored(source), f"{source} is kept out by .dockerignore"
        if "pip install" in words:
            assert "--constraint constraints.txt --constraint further.txt" in words
            names = re.findall(r'"([a-z][\w-]*)(?:\[[\w,]+\])?"', words)
            assert names
            assert {normal(name) for name in names} <= pins().keys()


def ignored(source: str) -> bool:
    """Whether .dockerignore keeps a file or folder out; the last rule that fits decides."""
    out = False
    for rule in (ROOT / ".dockerignore").read_text().split():
        if fnmatch.fnmatch(source, rule.lstrip("!")) or source.startswith(rule.lstrip("!") + "/"):
            out = not rule.startswith("!")
    return out


def test_images_and_manifests_agree_on_the_version() -> None:
    for path in INFRA.rglob("*"):
        if path.suffix in (".yaml", ".Dockerfile"):
            for name, version in re.findall(r"(nnops(?:-mlflow)?):(\d+\.\d+\.\d+)", path.read_text()):
                assert version == nnops.__version__, f"{path}: {name}"


def test_compose_fits_its_schema() -> None:
    import check_jsonschema

    folder = importlib.resources.files(check_jsonschema) / "builtin_schemas/vendor/compose-spec.json"
    schema = json.loads(folder.read_text())
    compose = read_yaml(INFRA / "compose/compose.yaml")
    jsonschema.validators.validator_for(schema)(schema).validate(compose)
    broken = {**compose, "services": {"mlflow": {"imagee": "x"}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validators.validator_for(schema)(schema).validate(broken)


def test_compose_is_closed_and_its_secrets_come_from_the_environment() -> None:
    compose = read_yaml(INFRA / "compose/compose.yaml")
    for name, service in compose["services"].items():
        assert not service["image"].endswith("latest"), name
        assert ":" in service["image"], name
        for key, value in service.get("environment", {}).items():
            if SECRET.search(key) or (key.endswith("_USER") and "MINIO" in key):
                assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), f"{name}: {key}"
        for port in service.get("ports", []):
            assert port.startswith("${NNOPS_LISTEN:-127.0.0.1}:"), f"{name}: {port}"
        for other, how in service.get("depends_on", {}).items():
            needed = compose["services"][other]
            assert ("healthcheck" in needed) == (how["condition"] == "service_healthy"), f"{name}: {other}"
    for volume in [each for service in compose["services"].values() for each in service.get("volumes", [])]:
        source = volume.split(":")[0]
        assert source in compose["volumes"] or (INFRA / "compose" / source).exists(), volume
    build = compose["services"]["mlflow"]["build"]
    assert (INFRA / "compose" / build["context"] / build["dockerfile"]).exists()


def test_the_mlflow_server_has_a_login_hosts_and_options_that_exist() -> None:
    asked = [sys.executable, "-m", "mlflow", "server", "--help"]
    known = set(re.findall(r"--[a-z-]+", subprocess.run(asked, capture_output=True, text=True, check=True).stdout))
    (entry,) = [words for word, words in instructions(INFRA / "images/mlflow.Dockerfile") if word == "ENTRYPOINT"]
    words = [*json.loads(entry), *read_yaml(INFRA / "compose/compose.yaml")["services"]["mlflow"]["command"]]
    options = {word.partition("=")[0] for word in words[2:] if re.match(r"--[a-z-]+(=|$)", word)}
    assert words[:2] == ["mlflow", "server"]
    assert options <= known, options - known
    assert words[words.index("--app-name") + 1] == "basic-auth"
    assert {"--allowed-hosts", "--artifacts-destination"} <= options
    assert not [word for word in words if re.search(r"://[^/]*@", word)]
    auth = configparser.ConfigParser()
    auth.read(INFRA / "images/mlflow-auth.ini")
    assert auth["mlflow"]["default_permission"] == "NO_PERMISSIONS"
    assert "admin_password" not in auth["mlflow"]
    assert auth["mlflow"]["database_uri"] == "postgresql:///mlflow_auth"
    databases = (INFRA / "compose/databases.sql").read_text()
    assert re.findall(r"CREATE DATABASE (\w+);", databases) == ["mlflow", "mlflow_auth"]


def test_the_ray_cluster_file_is_what_ray_reads() -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = read_yaml(INFRA / "ray/cluster.yaml")
    prepared = prepare_config(json.loads(json.dumps(config)))
    validate_config(prepared)
    broken = json.loads(json.dumps(config)) | {"head_setup_comands": []}
    with pytest.raises(jsonschema.ValidationError):
        validate_config(prepare_config(broken))
    for line in [*config["head_start_ray_commands"], *config["worker_start_ray_commands"]]:
        check_ray_command(line)
    assert "RAY_AUTH_MODE=token" in config["head_start_ray_commands"][1]


def check_ray_command(line: str) -> None:
    """The options of ``ray start`` in a line exist."""
    from ray.scripts.scripts import start

    known = {name for option in start.params for name in option.opts}
    command = line.partition("ray start")[2]
    asked = {word.partition("=")[0] for word in shlex.split(command) if word.startswith("--")}
    assert asked <= known, asked - known


def cluster_of(name: str) -> dict[str, Any]:
    spec = read_yaml(INFRA / "kubernetes" / name)["spec"]
    return spec.get("rayClusterSpec", spec)


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_kuberay_manifest_has_known_fields_and_valid_pods(name: str) -> None:
    import kubernetes_validate

    manifest, spec = read_yaml(INFRA / "kubernetes" / name), cluster_of(name)
    kind = {"raycluster.yaml": "RayCluster", "rayjob.yaml": "RayJob"}[name]
    assert manifest.keys() == {"apiVersion", "kind", "metadata", "spec"}
    assert (manifest["apiVersion"], manifest["kind"]) == ("ray.io/v1", kind)
    if kind == "RayJob":
        assert manifest["spec"].keys() <= JOB
    head, workers = spec["headGroupSpec"], spec["workerGroupSpecs"]
    assert spec.keys() <= CLUSTER
    assert head.keys() <= HEAD
    assert all(group.keys() <= WORKERS for group in workers)
    assert spec["rayVersion"] == pins()["ray"]
    assert spec["authOptions"] == {"mode": "token"}
    for group in (head, *workers):
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
        check_ray_command("ray start " + " ".join(f"--{key}={value}" for key, value in group["rayStartParams"].items()))
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, "spec": group["template"]["spec"]}
        kubernetes_validate.validate(pod, "1.33", strict=True)
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate({**pod, "spec": {**pod["spec"], "container": []}}, "1.33", strict=True)
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
        for container in pod["spec"]["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["requests"]["memory"] == container["resources"]["limits"]["memory"]
            assert "env" not in container, "secrets come from the Secret alone"


def test_the_example_of_secrets_is_one_and_empty() -> None:
    import kubernetes_validate

    secret = read_yaml(INFRA / "kubernetes/secrets.example.yaml")
    kubernetes_validate.validate(secret, "1.33", strict=True)
    assert not [key for key, value in secret["stringData"].items() if SECRET.search(key) and value]
    for name in MANIFESTS:
        head = cluster_of(name)["headGroupSpec"]["template"]["spec"]["containers"][0]
        assert head["envFrom"] == [{"secretRef": {"name": secret["metadata"]["name"]}}]


def test_commands_that_files_and_guide_name_exist() -> None:
    import typer.main

    from nnops.cli.app import app

    texts = [path.read_text() for path in INFRA.rglob("*") if path.suffix in (".yaml", ".py", ".Dockerfile", ".md")]
    texts.append((ROOT / "docs/guide/cluster.md").read_text())
    lines = {
        line
        for text in texts
        for line in re.findall(r"(?<![\w/.-])nnops ((?:sweep|ui|init|params|model)[^\n`|&()]*)", text)
    }
    assert len(lines) > 5
    for line in lines:
        command: Any = typer.main.get_command(app)
        words = [word.strip("'\",.;") for word in line.split("#")[0].split()]
        while words and hasattr(command, "commands"):
            word = words.pop(0)
            assert word in command.commands, line
            command = command.commands[word]
        known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known, line
