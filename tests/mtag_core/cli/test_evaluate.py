import json

from mtag_core import Tagger
from mtag_core.__main__ import main
from tests.mtag_core.evaluation.fakes import FakeTagger

LINE = "1\ta\t_\tX\t_\t_\t_\t_\t_\t_\n\n"


def test_two_files_are_scored(tmp_path, capsys):
    path = tmp_path / "a.conllu"
    path.write_text(LINE)
    arguments = ["evaluate", "--gold", str(path), "--system", str(path), "--format", "json"]
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["UPOS"]["f1"] == 100.0


def test_a_missing_file_is_one_line_and_exit_code_2(tmp_path, capsys):
    assert main(["evaluate", "--gold", str(tmp_path / "no"), "--system", "x"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_bad_conllu_is_one_line_and_exit_code_1(tmp_path, capsys):
    path = tmp_path / "a.conllu"
    path.write_text("1\ta\n\n")
    assert main(["evaluate", "--gold", str(path), "--system", str(path)]) == 1
    assert "a.conllu:1: 2 column(s)" in capsys.readouterr().err


def test_flags_that_do_not_go_together_are_named(capsys):
    assert main(["evaluate", "--gold", "x"]) == 2
    assert "--treebanks" in capsys.readouterr().err


def test_a_flag_that_would_be_ignored_is_refused(tmp_path, capsys):
    path = str(tmp_path / "a.conllu")
    assert main(["evaluate", "--gold", path, "--system", path, "--raw"]) == 2
    assert "--raw only goes with --treebanks" in capsys.readouterr().err
    assert main(["evaluate", "--treebanks", path, "--counts"]) == 2
    assert "--counts only goes with --gold and --system" in capsys.readouterr().err
    assert main(["evaluate", "--gold", path, "--system", path, "--gold_treebank"]) == 2
    assert "--gold_treebank only goes with --treebanks" in capsys.readouterr().err


def test_a_directory_that_is_no_bundle_is_named(tmp_path, capsys):
    (tmp_path / "fr_a-ud-test.conllu").write_text(LINE)
    pattern = str(tmp_path / "*.conllu")
    assert main(["evaluate", "--treebanks", pattern, "--bundle", str(tmp_path)]) == 2
    assert "no bundle.json there; leave the flag out" in capsys.readouterr().err


def test_a_pattern_without_files_is_named(tmp_path, capsys):
    assert main(["evaluate", "--treebanks", str(tmp_path / "*.conllu")]) == 2
    assert "*.conllu: no file matches" in capsys.readouterr().err


def test_patterns_that_the_shell_has_expanded_are_taken(tmp_path, capsys, monkeypatch):
    paths = [tmp_path / "fr_a-ud-test.conllu", tmp_path / "ta_b-ud-test.conllu"]
    for path in paths:
        path.write_text(LINE)
    monkeypatch.setattr("mtag_core.cli.evaluate.load_tagger", lambda *_: FakeTagger())
    assert main(["evaluate", "--treebanks", *map(str, paths)]) == 0
    assert "mean of treebanks (2)" in capsys.readouterr().out


def test_treebanks_are_tagged_and_scored(tmp_path, capsys, monkeypatch):
    (tmp_path / "fr_a-ud-test.conllu").write_text(LINE)
    monkeypatch.setattr("mtag_core.cli.evaluate.load_tagger", lambda *_: FakeTagger())
    pattern = str(tmp_path / "*.conllu")
    assert main(["evaluate", "--treebanks", pattern, "--raw", "--format", "json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["averages"][0]["f1"]["Words"] == 100.0


def test_a_tagger_that_knows_no_treebanks_cannot_be_told_one(tmp_path, capsys, monkeypatch):
    path = tmp_path / "fr_a-ud-test.conllu"
    path.write_text(LINE)
    monkeypatch.setattr("mtag_core.cli.evaluate.load_tagger", lambda *_: FakeTagger())
    assert main(["evaluate", "--treebanks", str(path), "--gold_treebank"]) == 2
    assert "knows no treebanks, so it cannot follow 'fr_a'" in capsys.readouterr().err


def test_a_told_treebank_is_followed(tmp_path, capsys):
    # Two Polish treebanks, which give many words other features; the file follows the one that a
    # tagger that is not told does not guess.
    forms = "Stary dom stoi przy drodze .".split()
    (plain,), *told_ones = (
        Tagger.load(treebank_style=names).tag_tokens([forms], language="pl")
        for names in (("mixed",), ("pl_lfg",), ("pl_sz",))
    )
    name, told = next(
        (name, told)
        for name, (told,) in zip(("pl_lfg", "pl_sz"), told_ones, strict=True)
        if told.feats != plain.feats
    )
    columns = zip(forms, told.upos, told.feats, strict=True)
    lines = [
        "\t".join([str(number), form, "_", upos, "_", feats, *"____"]) + "\n"
        for number, (form, upos, feats) in enumerate(columns, start=1)
    ]
    path = tmp_path / f"{name}-ud-test.conllu"
    path.write_text("".join(lines) + "\n")
    flags = ["evaluate", "--treebanks", str(path), "--format", "json"]
    assert main([*flags, "--gold_treebank"]) == 0
    told_scores = json.loads(capsys.readouterr().out)
    assert main([*flags, "--treebank_style", "mixed"]) == 0
    assert told_scores != json.loads(capsys.readouterr().out)
    assert main([*flags, "--treebank_style", name]) == 0
    assert told_scores == json.loads(capsys.readouterr().out)
    assert _f1(told_scores, "FEATS") == 100


def _f1(report, metric):
    """A score of the one treebank in a report."""
    (row,) = report["treebanks"]
    return row["scores"][metric]["f1"]
