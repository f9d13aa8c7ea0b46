"""annotate end to end, with a fake tagger: what is written, kept, removed and refused."""

import json

import pyarrow.parquet as pq
import pytest

from mtag_core.storage import exclusive
from tests.pipelines.trees import annotate, tree, write_corpus


@pytest.fixture
def pattern(tmp_path):
    return write_corpus(tmp_path / "in")


@pytest.fixture
def output(tmp_path):
    return tmp_path / "out"


def _report(output):
    return json.loads((output / "run.json").read_text("utf-8"))


def _manifest_times(output):
    return {path.name: path.stat().st_mtime_ns for path in (output / "manifests").iterdir()}


@pytest.mark.parametrize("name", ["parquet", "jsonl", "conllu"])
def test_every_format_holds_every_sentence(pattern, output, name):
    assert annotate(pattern, output, f"--format={name}") == 0
    report = _report(output)
    assert report["counts"]["documents"] == 6
    assert report["counts"]["sentences"] == 6 * 40 * 2
    assert all(f".{name}" in path for path in tree(output) if path.startswith("parts/"))


def test_offsets_slice_the_documents_back_to_the_forms(pattern, output):
    annotate(pattern, output)
    for part in (output / "parts").iterdir():
        for row in pq.read_table(part).to_pylist():
            text = open(row["doc_id"], encoding="utf-8").read()
            spans = zip(row["starts"], row["ends"], strict=True)
            assert [text[start:end] for start, end in spans] == row["forms"]


def test_two_runs_give_the_same_tree(pattern, output, tmp_path):
    annotate(pattern, output)
    annotate(pattern, tmp_path / "again")
    assert tree(output) == tree(tmp_path / "again")


def test_worker_processes_give_the_same_tree_as_one_process(pattern, output, tmp_path):
    annotate(pattern, output)
    assert annotate(pattern, tmp_path / "again", "--direct_num_workers=2") == 0
    assert tree(output) == tree(tmp_path / "again")


def test_a_second_run_makes_no_part_again(pattern, output):
    annotate(pattern, output)
    before, times = tree(output), _manifest_times(output)
    assert annotate(pattern, output) == 0
    assert (tree(output), _manifest_times(output)) == (before, times)


def test_a_part_that_somebody_removed_is_made_again(pattern, output):
    annotate(pattern, output)
    before = tree(output)
    next((output / "parts").iterdir()).unlink()
    annotate(pattern, output)
    assert tree(output) == before


def test_other_options_on_the_same_output_are_refused(pattern, output, capsys):
    annotate(pattern, output)
    before = tree(output)
    assert annotate(pattern, output, "--format=jsonl") == 2
    assert "made with other options (format: 'parquet', now 'jsonl')" in capsys.readouterr().err
    assert tree(output) == before


def test_overwrite_removes_what_is_ours_and_nothing_else(pattern, output, tmp_path):
    annotate(pattern, output)
    (output / "parts" / "notes.txt").write_text("mine", "utf-8")
    assert annotate(pattern, output, "--format=jsonl", "--overwrite") == 0
    annotate(pattern, tmp_path / "clean", "--format=jsonl")
    assert tree(output) == {**tree(tmp_path / "clean"), "parts/notes.txt": b"mine"}


def test_a_folder_with_other_things_is_refused(pattern, output, capsys):
    output.mkdir()
    (output / "thesis.tex").touch()
    assert annotate(pattern, output) == 2
    assert "is not empty and holds no output of mtag (it has thesis.tex)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "code", "message"),
    [
        (["--runner=Nope"], 2, "--runner=Nope: no such runner; expected one of Dataflow"),
        (["--runner=PrismRunner", "--prism_location=none"], 2, "--prism_location=none: no such"),
        (["--runner=FlinkRunner", "--job_endpoint=localhost:1"], 1, "no Beam job server answers"),
    ],
)
def test_a_run_that_cannot_start_leaves_nothing(pattern, tmp_path, capsys, flags, code, message):
    assert annotate(pattern, tmp_path / "new" / "out", *flags) == code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_refused_run_leaves_a_folder_as_it_was(pattern, output):
    output.mkdir()
    (output / "thesis.tex").touch()
    annotate(pattern, output)
    assert [path.name for path in output.iterdir()] == ["thesis.tex"]


def test_an_output_that_cannot_be_made_is_named(pattern, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert annotate(pattern, tmp_path / "file" / "out") == 1
    assert "file/out" in capsys.readouterr().err


def test_a_run_leaves_no_lock(pattern, output):
    annotate(pattern, output)
    assert not (output / ".lock").exists()


def test_a_limit_tags_the_first_documents_only(pattern, output):
    assert annotate(pattern, output, "--document=line", "--limit=7") == 0
    assert _report(output)["counts"]["documents"] == 7


def test_a_dry_run_writes_nothing(pattern, output, capsys):
    assert annotate(pattern, output, "--dry_run") == 0
    assert not output.exists()
    shown = capsys.readouterr().out
    assert "work items" in shown
    assert "files   6," in shown


def test_a_document_that_cannot_be_tagged_is_rejected_and_the_rest_tagged(
    pattern, output, tmp_path
):
    (tmp_path / "in" / "bad.txt").write_text("This is poison.\n", "utf-8")
    assert annotate(pattern, output) == 0
    report = _report(output)
    assert report["rejects_by_reason"] == {"tagging_failed": 1}
    assert report["counts"]["tagged"] == 6


def test_too_many_rejects_fail_the_run_after_it_is_complete(pattern, output, tmp_path, capsys):
    (tmp_path / "in" / "bad.txt").write_text("This is poison.\n", "utf-8")
    assert annotate(pattern, output, "--max_reject_ratio=0.1") == 1
    assert "1 of 7 documents were rejected (tagging_failed 1)" in capsys.readouterr().err
    assert _report(output)["counts"]["tagged"] == 6
    assert annotate(pattern, output, "--max_reject_ratio=0.2") == 0


def test_the_summary_shows_tags_counts_and_paths(pattern, output, capsys):
    annotate(pattern, output)
    shown = capsys.readouterr().out
    assert "NOUN" in shown
    assert "480" in shown
    assert str(output / "run.json") in shown


def test_the_report_shows_the_rejects_and_is_removed_with_the_rest(pattern, output, tmp_path):
    (tmp_path / "in" / "bad.txt").write_text("This is poison.\n", "utf-8")
    annotate(pattern, output)
    page = (output / "report.html").read_text("utf-8")
    [rejects] = (output / "rejects").iterdir()
    assert "This is poison." in page and f'href="rejects/{rejects.name}"' in page
    annotate(pattern, output, "--overwrite", "--format=jsonl", "--runner=Fnapi")
    assert (output / "report.html").read_text("utf-8") != page


def test_the_times_of_each_run_stand_apart(pattern, output):
    annotate(pattern, output)
    [times] = (output / "runs").iterdir()
    assert json.loads(times.read_text("utf-8"))["tokens"] == 6 * 40 * 12


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--inptu=x"], "unknown flag --inptu; did you mean --input?"),
        (["--direct_num_worker=2"], "unknown flag --direct_num_worker; did you mean --direct_num"),
        (["--format=csv"], "invalid choice: 'csv'"),
        (["--limit=0"], "'0' is not a whole number above 0"),
        (["--max_reject_ratio=2"], "'2' is not a number from 0 to 1"),
        (["stray"], "unexpected argument 'stray'"),
    ],
)
def test_a_wrong_flag_is_one_line_and_exit_code_2(pattern, output, capsys, flags, message):
    assert annotate(pattern, output, *flags) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_pattern_that_matches_nothing_is_named(output, tmp_path, capsys):
    assert annotate(str(tmp_path / "none*.txt"), output) == 2
    error = capsys.readouterr().err
    assert "none*.txt" in error
    assert error.count("\n") == 1


def test_a_second_run_at_the_same_time_says_so_and_stops(pattern, output, capsys):
    with exclusive(str(output / ".lock")):
        assert annotate(pattern, output) == 1
    assert "another run writes there" in capsys.readouterr().err
    assert annotate(pattern, output) == 0
