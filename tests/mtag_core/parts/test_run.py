import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from mtag_core.corpus.items import ReadOptions
from mtag_core.errors import CountMismatchError, OutputError, UsageError
from mtag_core.output.layout import FileDigest, Manifest, OutputLayout
from mtag_core.output.writers import OutputFormat
from mtag_core.parts.completed_parts import completed_parts
from mtag_core.parts.plan import slice_part_id
from mtag_core.parts.run import (
    RunConfig,
    check_output,
    finish_run,
    prune,
    read_report,
    write_config,
)
from mtag_core.tagging.arguments import TaggerOptions
from mtag_core.wikipedia.dumps import PageOutcome

_CONFIG = RunConfig(("*.txt",), "digest", ReadOptions(), "parquet", "zstd")


def _manifest(part_id, **changes):
    manifest = Manifest(
        part_id=part_id,
        part=FileDigest(f"part-{part_id}.parquet", 10, "ab"),
        rejects=None,
        n_documents=3,
        n_tagged=2,
        n_rejected=1,
        n_sentences=5,
        n_tokens=20,
        n_source_bytes=100,
        rejects_by_reason={"binary": 1},
        tokens_by_language={"fr": 20},
    )
    return replace(manifest, **changes)


@pytest.fixture
def layout(tmp_path):
    return OutputLayout(str(tmp_path), OutputFormat())


def _ids(n):
    return [f"{number:016x}" for number in range(n)]


def test_the_report_does_not_depend_on_the_order_of_manifests(layout, tmp_path):
    manifests = [_manifest(part_id) for part_id in _ids(3)]
    finish_run(layout, _CONFIG, manifests=manifests, n_parts=3)
    first = (tmp_path / "run.json").read_bytes()
    finish_run(layout, _CONFIG, manifests=manifests[::-1], n_parts=3)
    assert (tmp_path / "run.json").read_bytes() == first


def test_the_report_adds_up_the_parts(layout):
    report = finish_run(layout, _CONFIG, manifests=[_manifest(i) for i in _ids(3)], n_parts=3)
    assert report["counts"]["documents"] == 9
    assert report["rejects_by_reason"] == {"binary": 3}
    assert report["tokens_by_language"] == {"fr": 60}


def test_a_manifest_that_came_twice_counts_once(layout):
    manifests = [_manifest(_ids(1)[0])] * 2
    assert finish_run(layout, _CONFIG, manifests=manifests, n_parts=1)["counts"]["documents"] == 3


def test_a_missing_part_is_an_error(layout, tmp_path):
    with pytest.raises(CountMismatchError, match="1 parts of 2 are done"):
        finish_run(layout, _CONFIG, manifests=[_manifest(_ids(1)[0])], n_parts=2)
    assert not (tmp_path / "run.json").exists()


def _write_slices(layout, list_id, n_slices):
    slices = [{"index": i, "n_bytes": 1, "pages_by_outcome": {}} for i in range(n_slices)]
    path = Path(layout.slices_path(list_id))
    path.parent.mkdir()
    path.write_text(json.dumps({"version": 1, "slices": slices}))


def test_the_slices_of_an_item_count_as_its_list_says(layout):
    list_id, other = _ids(2)
    manifests = [_manifest(slice_part_id(list_id, index)) for index in range(3)]
    _write_slices(layout, list_id, 3)
    finish = partial(finish_run, layout, _CONFIG, n_parts=1, sliced=[list_id])
    assert finish(manifests=[*manifests, _manifest(other)])["counts"]["parts"] == 4
    with pytest.raises(CountMismatchError, match=f"item-{list_id}.json: 2 parts of 3 are done"):
        finish(manifests=[*manifests[1:], _manifest(other)])


def test_an_item_that_was_not_read_to_its_end_is_an_error(layout):
    with pytest.raises(CountMismatchError, match=r"item-ab.json: missing"):
        finish_run(layout, _CONFIG, manifests=[], n_parts=0, sliced=["ab"])


def test_prune_removes_the_spool_and_lists_of_parts_that_are_gone(layout, tmp_path):
    list_id = _ids(1)[0]
    _write_slices(layout, list_id, 2)
    spool = tmp_path / "spool" / f"part-{list_id}.jsonl.zst"
    spool.parent.mkdir()
    spool.touch()
    parts = [slice_part_id(list_id, index) for index in range(2)]
    prune(layout, {"parts": [{"id": part_id} for part_id in parts]})
    assert Path(layout.slices_path(list_id)).exists() and not spool.exists()
    prune(layout, {"parts": [{"id": parts[0]}]})
    assert not Path(layout.slices_path(list_id)).exists()


def test_documents_that_do_not_add_up_are_an_error(layout):
    manifests = [_manifest(_ids(1)[0], n_tagged=1)]
    with pytest.raises(CountMismatchError, match="3 documents read, 1 tagged and 1 rejected"):
        finish_run(layout, _CONFIG, manifests=manifests, n_parts=1)


@pytest.mark.parametrize(
    ("pages", "message"),
    [
        ({"kept": 3, "rejected": 1}, "3 pages kept and 1 rejected, but 2 tagged"),
        ({"kept": 2, "rejected": 2}, "2 pages kept and 2 rejected, but 2 tagged"),
    ],
)
def test_pages_that_do_not_add_up_are_an_error(layout, pages, message):
    manifests = [_manifest(_ids(1)[0], pages_by_outcome=pages)]
    with pytest.raises(CountMismatchError, match=message):
        finish_run(layout, _CONFIG, manifests=manifests, n_parts=1)


def test_a_part_with_two_contents_is_an_error(layout):
    part_id = _ids(1)[0]
    manifests = [_manifest(part_id), _manifest(part_id, n_tokens=21)]
    with pytest.raises(CountMismatchError, match="two contents"):
        finish_run(layout, _CONFIG, manifests=manifests, n_parts=1)


def _touch(layout, part_id):
    for path in map(Path, (layout.part_path(part_id), layout.manifest_path(part_id))):
        path.parent.mkdir(exist_ok=True)
        path.touch()


def test_prune_removes_the_parts_that_are_not_listed(layout):
    first, second = _ids(2)
    for part_id in (first, second):
        _touch(layout, part_id)
    report = finish_run(layout, _CONFIG, manifests=[_manifest(first)], n_parts=1)
    assert prune(layout, report) == 1
    assert completed_parts(layout) == {first}


def test_inputs_and_limit_are_no_part_of_the_salt():
    other = replace(_CONFIG, inputs=("else",), limit=3)
    assert other.salt == _CONFIG.salt


@pytest.mark.parametrize(
    "changes", [{"model": "x"}, {"format": "jsonl"}, {"read": ReadOptions(document="line")}]
)
def test_what_decides_the_bytes_is_part_of_the_salt(changes):
    assert replace(_CONFIG, **changes).salt != _CONFIG.salt


def test_options_of_the_tagger_stand_in_the_configuration_where_they_are_given():
    names = set(_CONFIG.to_dict())
    assert names.isdisjoint({"tagger", "treebank_style", "language", "languages", "untrained"})
    given = replace(_CONFIG, tagger=TaggerOptions(language="fr", untrained="skip")).to_dict()
    assert (given["language"], given["untrained"]) == ("fr", "skip")
    assert set(given) == names | {"language", "untrained"}


def test_other_styles_are_another_configuration(layout):
    told = replace(_CONFIG, tagger=TaggerOptions(treebank_style=("fr_gsd", "pl_lfg")))
    assert told.salt != _CONFIG.salt
    write_config(layout, _CONFIG)
    check_output(layout, _CONFIG, overwrite=False)
    with pytest.raises(UsageError, match=r"treebank_style: None, now \['fr_gsd', 'pl_lfg'\]"):
        check_output(layout, told, overwrite=False)


def test_the_report_reads_back_as_it_was(layout):
    report = finish_run(layout, _CONFIG, manifests=[_manifest(_ids(1)[0])], n_parts=1)
    assert read_report(layout.run_path) == report


@pytest.mark.parametrize(
    "fields",
    [
        {"counts": 1},
        {"counts": {}},
        {"counts": {"parts": "1"}},
        {"config": []},
        {"parts": {}},
        {"rejects_by_reason": []},
        {"tokens_by_upos": {"NOUN": "1"}},
    ],
)
def test_a_report_of_another_form_is_refused(layout, tmp_path, fields):
    report = finish_run(layout, _CONFIG, manifests=[_manifest(_ids(1)[0])], n_parts=1)
    (tmp_path / "run.json").write_text(json.dumps(report | fields))
    with pytest.raises(OutputError, match=r"run\.json: "):
        read_report(layout.run_path)


@pytest.mark.parametrize("content", ["", "7", "[" * 100_000, '{"counts": '])
def test_what_is_no_json_object_is_refused(layout, tmp_path, content):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(OutputError, match=r"run\.json: (not JSON|expected a JSON object)"):
        read_report(layout.run_path)


@pytest.mark.parametrize("pages", [{"kept": 3, "rejected": 0}, {"kept": 2, "rejected": 1}])
def test_a_page_may_be_too_slow_for_the_reader_or_for_a_step_behind_it(layout, pages):
    by_outcome = dict.fromkeys(map(str, PageOutcome), 0) | pages
    manifest = _manifest(_ids(1)[0], rejects_by_reason={"too_slow": 1}, pages_by_outcome=by_outcome)
    assert finish_run(layout, _CONFIG, manifests=[manifest], n_parts=1)["counts"]["rejected"] == 1
