import json
import shutil
import tempfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from mtag_core.errors import BundleError
from mtag_core.tagging.bundle import DEFAULT_BUNDLE, Bundle, write_manifest


@pytest.fixture
def bundle(tmp_path):
    directory = tmp_path / "bundle"
    (directory / "segmenters").mkdir(parents=True)
    (directory / "tagger.onnx").write_bytes(b"graph")
    (directory / "segmenters" / "fr.udpipe").write_bytes(b"model")
    (directory / "README.md").write_text("card")
    write_manifest(directory, scores={"dev": {"UPOS": 94.0}})
    return directory


def _edit(bundle, **fields):
    path = bundle / "bundle.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_the_shipped_bundle_is_whole_and_small():
    assert len(Bundle.open().digest) == 64
    paths = [path for path in DEFAULT_BUNDLE.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in paths) <= 40e6
    assert not [path for path in paths if path.suffix in (".pkl", ".pt", ".bin")]


def test_int8_costs_the_shipped_bundle_less_than_a_fifth_of_a_point():
    scores = Bundle.open().scores
    for head in ("UPOS", "FEATS"):
        assert abs(scores["dev"][head] - scores["dev, float32"][head]) <= 0.2


def test_the_digest_follows_what_tags_depend_on(bundle):
    before = Bundle.open(bundle).digest
    (bundle / "README.md").write_text("another card")
    write_manifest(bundle, scores={})
    assert Bundle.open(bundle).digest == before
    (bundle / "tagger.onnx").write_bytes(b"another graph")
    write_manifest(bundle, scores={})
    assert Bundle.open(bundle).digest != before


def test_the_digest_follows_every_file_of_the_shipped_bundle_but_its_card(tmp_path):
    listed = json.loads((DEFAULT_BUNDLE / "bundle.json").read_text())["files"]
    for name in listed:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    write_manifest(tmp_path, scores={})
    digests = {Bundle.open(tmp_path).digest}
    for name in listed:
        (tmp_path / name).write_text("touched")
        write_manifest(tmp_path, scores={})
        digests.add(Bundle.open(tmp_path).digest)
    # The first, and one for each file; the card gives none.
    assert len(digests) == len(listed)


def test_a_changed_file_is_named(bundle):
    (bundle / "tagger.onnx").write_bytes(b"grapf")
    with pytest.raises(BundleError, match=r"tagger\.onnx: SHA-256 .* damaged or changed"):
        Bundle.open(bundle)


def test_a_missing_file_is_named(bundle):
    (bundle / "segmenters" / "fr.udpipe").unlink()
    with pytest.raises(BundleError, match=r"fr\.udpipe: missing, but bundle\.json lists it"):
        Bundle.open(bundle)


def test_a_newer_version_says_what_to_do(bundle):
    _edit(bundle, format_version=2)
    with pytest.raises(BundleError, match="format version 2, this mtag reads 1; install the mtag"):
        Bundle.open(bundle)


@pytest.mark.parametrize("content", ["", "[]", '{"format": "zip"}'])
def test_another_manifest_is_refused(bundle, content):
    (bundle / "bundle.json").write_text(content)
    with pytest.raises(BundleError, match=r"bundle\.json: expected"):
        Bundle.open(bundle)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a\\b"])
def test_a_name_that_leads_outside_is_refused(bundle, name):
    _edit(bundle, files={name: {"sha256": "0"}})
    with pytest.raises(BundleError, match="expected one inside the bundle"):
        Bundle.open(bundle)


def test_a_directory_without_manifest_is_no_bundle(tmp_path):
    with pytest.raises(BundleError, match="no model bundle"):
        Bundle.open(tmp_path)


@pytest.fixture
def url(bundle, tmp_path, monkeypatch):
    """The bundle behind a web server; what is fetched lands in the test's own directory."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    handler = partial(_QuietHandler, directory=str(bundle))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


def test_a_remote_bundle_is_fetched_once(bundle, url):
    fetched = Bundle.open(url)
    assert fetched.digest == Bundle.open(bundle).digest
    assert (fetched.directory / "segmenters" / "fr.udpipe").read_bytes() == b"model"
    shutil.rmtree(bundle / "segmenters")
    assert Bundle.open(url).directory == fetched.directory


def test_a_remote_bundle_that_lacks_a_file_is_refused(bundle, url):
    (bundle / "tagger.onnx").unlink()
    with pytest.raises(BundleError, match=r"tagger\.onnx"):
        Bundle.open(url)
