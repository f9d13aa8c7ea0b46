import json
import os
import shutil
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from mtag_core.errors import BundleError
from mtag_core.labels import LABELS
from mtag_core.langid import WORDS_NAME
from mtag_core.tagging.bundle import DEFAULT_BUNDLE, FORMS, HEADS, TAGGER, Bundle, write_manifest
from mtag_core.treebank_style import TREEBANK_CLASSIFIER

IN_ALL = (
    TAGGER,
    HEADS,
    FORMS,
    "tokenizer.json",
    LABELS,
    TREEBANK_CLASSIFIER,
    "langid.ftz",
    WORDS_NAME,
)


@pytest.fixture
def bundle(tmp_path):
    directory = tmp_path / "bundle"
    (directory / "segmenters").mkdir(parents=True)
    for name in IN_ALL:
        (directory / name).write_bytes(b"graph")
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


@pytest.mark.parametrize("version", [1, 3])
def test_another_version_says_what_to_do(bundle, version):
    _edit(bundle, format_version=version)
    expected = f"format version {version}, this mtag reads 2; install the mtag"
    with pytest.raises(BundleError, match=expected):
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
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
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


def _cached(tmp_path):
    return tmp_path / "cache" / "mtag" / "bundles"


def test_a_remote_bundle_that_is_damaged_gets_no_name(bundle, url, tmp_path):
    (bundle / "tagger.onnx").write_bytes(b"grapf")
    with pytest.raises(BundleError, match=r"tagger\.onnx: SHA-256"):
        Bundle.open(url)
    assert list(_cached(tmp_path).iterdir()) == []


@pytest.mark.parametrize("content", [b"grap", b"graph" * 1000])
def test_a_remote_file_of_another_size_is_refused(bundle, url, content):
    (bundle / "tagger.onnx").write_bytes(content)
    with pytest.raises(BundleError, match="not the 5 bytes"):
        Bundle.open(url)


def test_a_remote_bundle_may_not_be_too_large(bundle, url):
    files = json.loads((bundle / "bundle.json").read_text())["files"]
    files["tagger.onnx"]["bytes"] = 2**30
    _edit(bundle, files=files)
    with pytest.raises(BundleError, match="expected 1073741824 at most"):
        Bundle.open(url)


def test_a_damaged_file_in_the_cache_is_fetched_again(url):
    path = Bundle.open(url).directory / "tagger.onnx"
    path.write_bytes(b"other")
    assert (Bundle.open(url).directory / "tagger.onnx").read_bytes() == b"graph"


def test_a_cache_that_others_can_write_to_is_refused(url, tmp_path):
    _cached(tmp_path).mkdir(parents=True)
    _cached(tmp_path).chmod(0o777)
    with pytest.raises(BundleError, match="others may write to it; expected mode 700"):
        Bundle.open(url)


def test_a_cache_that_is_a_link_is_refused(url, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    _cached(tmp_path).parent.mkdir(parents=True)
    _cached(tmp_path).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleError, match="expected a directory of this user"):
        Bundle.open(url)


def test_a_cache_of_another_user_is_refused(url, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(BundleError, match="expected a directory of this user"):
        Bundle.open(url)


@pytest.mark.parametrize("name", ["segmenters/de.boundaries.npz", ".hidden", "a/b/c"])
def test_a_file_that_is_not_listed_is_refused(bundle, name):
    (bundle / name).parent.mkdir(parents=True, exist_ok=True)
    (bundle / name).write_bytes(b"x")
    with pytest.raises(BundleError, match=rf"{name}: bundle\.json does not list it"):
        Bundle.open(bundle)


def test_a_folder_that_is_a_link_is_refused(bundle, tmp_path):
    (bundle / "extra").symlink_to(tmp_path)
    with pytest.raises(BundleError, match=r"extra: bundle\.json does not list it"):
        Bundle.open(bundle)


@pytest.mark.parametrize("name", IN_ALL)
def test_a_list_without_a_file_that_all_bundles_have_is_refused(bundle, name):
    (bundle / name).unlink()
    write_manifest(bundle, scores={})
    with pytest.raises(BundleError, match=rf"bundle\.json: lists no {name}; expected it"):
        Bundle.open(bundle)


@pytest.mark.parametrize("field", ["scores", "is_trained_on_dev"])
def test_a_manifest_without_a_field_is_refused(bundle, field):
    manifest = json.loads((bundle / "bundle.json").read_text())
    del manifest[field]
    (bundle / "bundle.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=rf"bundle\.json: {field}: expected"):
        Bundle.open(bundle)


def test_a_pipe_is_refused(bundle):
    (bundle / "tagger.onnx").unlink()
    os.mkfifo(bundle / "tagger.onnx")
    with pytest.raises(BundleError, match=r"tagger\.onnx: expected a regular file"):
        Bundle.open(bundle)


def test_a_link_out_is_refused(bundle, tmp_path):
    (bundle / "tagger.onnx").rename(tmp_path / "tagger.onnx")
    (bundle / "tagger.onnx").symlink_to(tmp_path / "tagger.onnx")
    with pytest.raises(BundleError, match=r"tagger\.onnx: a link that leads out"):
        Bundle.open(bundle)


def test_a_link_in_a_circle_is_refused(bundle):
    (bundle / "tagger.onnx").unlink()
    (bundle / "tagger.onnx").symlink_to("tagger.onnx")
    with pytest.raises(BundleError, match=r"tagger\.onnx: cannot be read"):
        Bundle.open(bundle)


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b", "a\nb", "./a", "a//b", "."])
def test_a_name_that_is_none_is_refused(bundle, name):
    _edit(bundle, files={name: {"sha256": "0" * 64, "bytes": 1}})
    with pytest.raises(BundleError, match="expected one inside the bundle"):
        Bundle.open(bundle)


@pytest.mark.parametrize(
    "entry",
    [
        None,
        {"sha256": "\ud800", "bytes": 5},
        {"sha256": "0" * 63, "bytes": 5},
        {"sha256": "0" * 64},
        {"sha256": "0" * 64, "bytes": -1},
        {"sha256": "0" * 64, "bytes": True},
    ],
)
def test_an_entry_that_is_none_is_refused(bundle, entry):
    _edit(bundle, files={"tagger.onnx": entry})
    with pytest.raises(BundleError, match=r"bundle\.json: tagger\.onnx: "):
        Bundle.open(bundle)


@pytest.mark.parametrize("fields", [{"scores": []}, {"is_trained_on_dev": "no"}])
def test_another_field_of_a_wrong_type_is_refused(bundle, fields):
    _edit(bundle, **fields)
    with pytest.raises(BundleError, match=r"bundle\.json: .*: expected"):
        Bundle.open(bundle)


def test_deep_nesting_is_refused(bundle):
    (bundle / "bundle.json").write_text("[" * 100_000)
    with pytest.raises(BundleError, match=r"bundle\.json: expected JSON"):
        Bundle.open(bundle)
