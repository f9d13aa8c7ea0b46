"""annotate where something has no effect: it says so, and what to do."""

import json

import pytest

from mtag_core.corpus.decoding import REASONS, REMEDIES
from pipelines.annotate import main
from tests.pipelines.trees import annotate, tree


def report(output):
    return json.loads((output / "run.json").read_text("utf-8"))


def test_a_run_that_tagged_nothing_fails_with_the_first_reject_of_each_reason(tmp_path, capsys):
    lines = [{"body": "One."}, {"body": "Two."}, "no object", {"text": "half \ud800"}]
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert annotate(str(path), tmp_path / "out") == 1
    error = capsys.readouterr().err
    assert "nothing was tagged: 4 documents read, 4 rejected" in error
    assert f"missing_field (2), the first: {path}#0: no field 'text'; fields found: body" in error
    assert "--text_field" in error
    assert "wrong_type (1)" in error and "lone_surrogate (1)" in error
    assert report(tmp_path / "out")["counts"]["rejected"] == 4


@pytest.mark.parametrize(("name", "data"), [("a.txt", ""), ("a.jsonl", "\n"), ("a.xml", "<x/>")])
def test_a_run_without_a_document_or_text_fails(tmp_path, capsys, name, data):
    (tmp_path / name).write_text(data)
    assert annotate(str(tmp_path / name), tmp_path / "out") == 1
    assert "nothing was tagged" in capsys.readouterr().err


def test_a_rerun_fails_again(tmp_path, capsys):
    (tmp_path / "a.txt").write_bytes(b"caf\xe9")
    for _ in range(2):
        assert annotate(str(tmp_path / "a.txt"), tmp_path / "out") == 1
        assert "invalid_utf8 (1)" in capsys.readouterr().err


def test_every_reason_has_a_remedy():
    assert REMEDIES.keys() == REASONS.keys()


@pytest.mark.parametrize(
    ("flag", "name"),
    [
        ("--text_field=body", "a.txt"),
        ("--id_field=id", "a.txt"),
        ("--document=line", "a.jsonl"),
        ("--compression=gz", "a.txt"),
        ("--poll_interval=3", "a.txt"),
    ],
)
def test_a_flag_that_nothing_uses_is_named(tmp_path, capsys, flag, name):
    (tmp_path / "a.txt").write_text("One.")
    (tmp_path / "a.jsonl").write_text('{"text": "One.", "body": "Two.", "id": 1}')
    assert annotate(str(tmp_path / name), tmp_path / "out", flag) == 0
    assert f"warning: {flag.partition('=')[0]}" in capsys.readouterr().err
    used = {"a.txt": "a.jsonl", "a.jsonl": "a.txt"}[name]
    more = ("--format=jsonl", "--streaming")[: 1 if flag.startswith("--compression") else 0]
    if not flag.startswith("--poll_interval"):
        assert annotate(str(tmp_path / used), tmp_path / "used", flag, *more) == 0
        assert "changes nothing" not in capsys.readouterr().err


def test_styles_that_nothing_followed_are_named(tmp_path, capsys):
    (tmp_path / "a.txt").write_text("Nobody knew why the bridge was closed.")
    flags = [f"--input={tmp_path}/a.txt", f"--output={tmp_path}/out", "--treebank_style=pl_lfg"]
    assert main(flags) == 0
    assert "--treebank_style=pl_lfg changed nothing: no sentence is in its language, found: en" in (
        capsys.readouterr().err
    )


def test_the_language_comment_of_conllu_chooses_the_style(tmp_path, capsys):
    forms = "Stary dom stoi .".split()
    rows = "".join(f"{i}\t{form}" + "\t_" * 8 + "\n" for i, form in enumerate(forms, 1))
    (tmp_path / "a.conllu").write_text(f"# newdoc id = p1\n# language = pl\n{rows}\n")
    flags = [f"--input={tmp_path}/a.conllu", "--treebank_style=pl_lfg", "--format=conllu"]
    assert main([*flags, f"--output={tmp_path}/out", "--compression=none"]) == 0
    [part] = (tmp_path / "out" / "parts").iterdir()
    assert "# language = pl" in part.read_text()
    assert "SubGender=Masc3" in part.read_text()
    assert "changed nothing" not in capsys.readouterr().err
    again = [f"--input={tmp_path}/out/parts/", f"--output={tmp_path}/again", "--format=jsonl"]
    assert main([*again, "--compression=none"]) == 0
    [part] = (tmp_path / "again" / "parts").iterdir()
    assert json.loads(part.read_text())["language"] == "pl"


def test_the_language_of_conllu_without_a_comment_is_found_in_its_text(tmp_path):
    forms = "Nobody in the village knew why the bridge was closed .".split()
    rows = "".join(f"{i}\t{form}" + "\t_" * 8 + "\n" for i, form in enumerate(forms, 1))
    (tmp_path / "a.conllu").write_text(rows + "\n")
    assert main([f"--input={tmp_path}/a.conllu", f"--output={tmp_path}/out"]) == 0
    assert report(tmp_path / "out")["tokens_by_language"] == {"en": len(forms)}


def test_an_output_below_the_input_folder_is_no_input(tmp_path):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "a.txt").write_text("One bird.")
    trees = []
    for _ in range(3):
        assert annotate(str(corpus), corpus / "tagged") == 0
        assert report(corpus / "tagged")["counts"]["documents"] == 1
        trees.append(tree(corpus / "tagged"))
    assert trees[0] == trees[1] == trees[2]
    runs = sorted((corpus / "tagged" / "runs").iterdir())
    assert json.loads(runs[-1].read_text())["parts_from_earlier_runs"] == 1


def test_file_names_may_hold_commas(tmp_path):
    for name in ("Berg, Tal.txt", "Meer.txt"):
        (tmp_path / name).write_text("One bird.")
    paths = [str(path) for path in tmp_path.glob("*.txt")]
    assert annotate(",".join(paths), tmp_path / "out") == 0
    assert report(tmp_path / "out")["counts"]["documents"] == 2
