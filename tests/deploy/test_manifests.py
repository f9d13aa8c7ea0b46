"""Manifests against their schemas, and what they say against what the code takes."""

import functools
import json
import re
import shutil
import subprocess
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from deploy.flink.packages import cache_dir
from pipelines.options import parse_options

yaml = pytest.importorskip("yaml")
jsonschema = pytest.importorskip("jsonschema")
kubernetes_validate = pytest.importorskip("kubernetes_validate")

_DEPLOY = Path(__file__).parents[2] / "deploy"
_MANIFESTS = (
    "flink/session.yaml",
    "flink/job.yaml",
    "nightly/cronjob.yaml",
    "serve/deployment.yaml",
)
_IMAGES = ("Dockerfile", "dataflow/Dockerfile", "serve/Dockerfile")
_API = "org.apache.flink:flink-kubernetes-operator-api:1.10.0"


def _documents():
    for name in _MANIFESTS:
        for document in yaml.safe_load_all((_DEPLOY / name).read_text()):
            yield pytest.param(document, id=f"{name}:{document['kind']}")


@functools.cache
def _flink_schema():
    """The FlinkDeployment schema, out of the operator's own package."""
    if shutil.which("mvn") is None:
        pytest.skip("Maven is not installed")
    folder = cache_dir() / "operator-api-1.10.0"
    if not folder.exists():
        goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
        command = ["mvn", "-q", "-B", goal, f"-Dartifact={_API}", f"-DoutputDirectory={folder}"]
        subprocess.run(command, check=True, timeout=240, stdin=subprocess.DEVNULL)
    with zipfile.ZipFile(next(folder.glob("*.jar"))) as jar:
        crd = yaml.safe_load(jar.read("META-INF/fabric8/flinkdeployments.flink.apache.org-v1.yml"))
    return _closed(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"])


def _closed(schema):
    """The schema, with unknown fields refused as the API server's strict mode does."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    has_fields = isinstance(closed.get("properties"), dict) and "type" in closed
    if has_fields and "additionalProperties" not in closed:
        closed["additionalProperties"] = bool(closed.get("x-kubernetes-preserve-unknown-fields"))
    return closed


@pytest.mark.parametrize("document", list(_documents()))
def test_a_manifest_fits_its_schema(document):
    if document["kind"] != "FlinkDeployment":
        kubernetes_validate.validate(document, "1.31", strict=True)
        return
    spec = _flink_schema()["properties"]["spec"]
    jsonschema.validate(document["spec"], spec)


def test_an_unknown_field_of_a_flink_deployment_is_refused():
    spec = _flink_schema()["properties"]["spec"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"imge": "flink"}, spec)


@pytest.mark.parametrize("name", ["flink/job.yaml", "nightly/cronjob.yaml"])
def test_the_flags_in_a_manifest_are_flags_of_annotate(name):
    document = yaml.safe_load((_DEPLOY / name).read_text())
    spec = document["spec"]
    job = spec["jobTemplate"]["spec"] if document["kind"] == "CronJob" else spec
    assert parse_options(job["template"]["spec"]["containers"][0]["args"]).corpus.input


def test_the_parameters_of_the_dataflow_template_are_flags_of_annotate():
    metadata = json.loads((_DEPLOY / "dataflow" / "metadata.json").read_text())
    required = ["--input=gs://bucket/x", "--output=gs://bucket/y"]
    values = {"document": "line", "input_format": "text", "max_reject_ratio": "0.1"}
    values |= {"format": "jsonl", "text_field": "t", "id_field": "i"}
    values |= {"treebank_style": "pl_lfg"}
    names = [parameter["name"] for parameter in metadata["parameters"]]
    optional = [name for name in names if name not in ("input", "output")]
    assert parse_options([*required, *(f"--{name}={values[name]}" for name in optional)])


@pytest.mark.parametrize("name", _IMAGES)
def test_images_install_no_torch_and_copy_what_exists(name):
    text = (_DEPLOY / name).read_text()
    assert not re.search(r"torch|\[train", text.replace("without torch", ""))
    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        for source in line.split()[:-1]:
            if source != "README.md":
                assert (_DEPLOY.parent / source).exists(), source


@pytest.mark.parametrize("name", _IMAGES)
def test_images_do_not_run_as_root(name):
    assert "\nUSER 1000\n" in (_DEPLOY / name).read_text()


@pytest.mark.parametrize("name", _IMAGES)
def test_base_images_are_named_by_digest(name):
    text = (_DEPLOY / name).read_text()
    images = dict(re.findall(r"^ARG (\w+_IMAGE)=(\S+)$", text, re.MULTILINE))
    used = re.findall(r"^FROM \$\{(\w+)\}", text, re.MULTILINE)
    assert used and len(used) == len(re.findall("^FROM ", text, re.MULTILINE))
    for image in used:
        assert re.search("@sha256:[0-9a-f]{64}$", images[image]), images[image]


def test_the_boot_program_has_the_version_of_beam():
    text = (_DEPLOY / "Dockerfile").read_text()
    [boot] = re.findall(r"beam/sdks/v2/python/container@v([\d.]+)", text)
    assert boot == version("apache-beam")


def test_the_timer_and_the_service_belong_together():
    timer = (_DEPLOY / "nightly" / "mtag-nightly.timer").read_text()
    service = (_DEPLOY / "nightly" / "mtag-nightly.service").read_text()
    assert "OnCalendar=" in timer and "python -m pipelines.annotate" in service
    if shutil.which("systemd-analyze"):
        command = ["systemd-analyze", "calendar", "*-*-* 02:15:00 UTC"]
        subprocess.run(command, check=True, timeout=20, capture_output=True)


def _pods(node):
    """All specs of pods in a manifest."""
    if isinstance(node, list):
        return [pod for each in node for pod in _pods(each)]
    if not isinstance(node, dict):
        return []
    found = [node] if "containers" in node else []
    return found + [pod for each in node.values() for pod in _pods(each)]


@pytest.mark.parametrize("name", _MANIFESTS)
def test_containers_may_do_nothing_that_they_need_not(name):
    pods = _pods(list(yaml.safe_load_all((_DEPLOY / name).read_text())))
    assert pods
    for container in (each for pod in pods for each in pod["containers"]):
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"] and not context["allowPrivilegeEscalation"]
        assert context["capabilities"] == {"drop": ["ALL"]}
        mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
        assert "/tmp" in mounts
