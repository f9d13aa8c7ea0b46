import pytest

from mtag_core.errors import InputNotFoundError
from mtag_core.parts.inputs import list_inputs, list_present_inputs

OWN = (
    "config.json",
    "run.json",
    "report.html",
    "plan.jsonl",
    "parts/part-0123456789abcdef.parquet",
    "manifests/part-0123456789abcdef.json",
    "rejects/part-0123456789abcdef.jsonl",
    "runs/2026-11-29T120000Z.json",
)


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """A folder of two texts with an output folder in it, which holds a text of somebody else."""
    for name in ("a.txt", "b/c.txt", "out/d.txt", *(f"out/{name}" for name in OWN)):
        (tmp_path / "corpus" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "corpus" / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "corpus"


def names(corpus, pattern, output):
    paths = (file.path for file in list_inputs([pattern], output=output))
    return [path.rpartition("corpus/")[2] for path in paths]


@pytest.mark.parametrize("pattern", ["corpus", "corpus/", "corpus/**", "{}/", "./corpus/**/*"])
@pytest.mark.parametrize("output", ["corpus/out", "./corpus/out/", "corpus/b/../out", "{}/out"])
def test_what_lies_below_the_output_is_no_input(corpus, pattern, output):
    found = names(corpus, pattern.format(corpus), output.format(corpus))
    assert found == ["a.txt", "b/c.txt"]


def test_the_output_may_go_by_a_link(corpus):
    (corpus.parent / "link").symlink_to(corpus / "out")
    assert names(corpus, "corpus/", "link") == ["a.txt", "b/c.txt"]


@pytest.mark.parametrize("pattern", ["corpus/out", "corpus/out/*", "corpus/out/**"])
def test_a_pattern_into_the_output_finds_what_mtag_did_not_write(corpus, pattern):
    assert names(corpus, pattern, "corpus/out") == ["out/d.txt"]


def test_an_output_that_is_the_input_folder_keeps_the_input(corpus):
    (corpus / "run.json").touch()
    assert names(corpus, "corpus/*", "corpus") == ["a.txt"]


def test_the_output_of_another_run_is_input(corpus):
    found = names(corpus, "corpus/out/rejects/*.jsonl", "again")
    assert found == ["out/rejects/part-0123456789abcdef.jsonl"]


def test_a_pattern_that_finds_outputs_only_is_an_error(corpus):
    with pytest.raises(InputNotFoundError, match=r"\.jsonl: nothing there but what mtag writes"):
        names(corpus, "corpus/out/rejects/*.jsonl", "corpus/out")


def test_a_folder_that_only_begins_like_the_output_is_input(corpus):
    assert "out/d.txt" in names(corpus, "corpus/", "corpus/ou")


def test_a_pattern_that_matches_nothing_yet_may_be_no_error(corpus):
    assert list_present_inputs(["corpus/*.xml"], output="out") == []
    with pytest.raises(InputNotFoundError):
        list_inputs(["corpus/*.xml"], output="out")
