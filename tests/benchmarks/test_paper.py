import json
import lzma
import re
from dataclasses import replace

import pytest

from benchmarks import sizes
from benchmarks.__main__ import BENCHMARKS, function_of, main
from benchmarks.baselines import udpipe
from benchmarks.harness import interleaved, ratios, shown_command, words_per_s
from benchmarks.paper import facts, score, tables
from benchmarks.paper.facts import Facts, load_facts, pair, write_facts
from benchmarks.paper.figures import HEAT_COLUMNS, comparable, heat_map, size_chart
from mtag_core.evaluation.metrics import Score
from mtag_core.evaluation.summary import SUMMARY_METRICS, markdown_table
from mtag_core.evaluation.treebanks import TreebankResult
from tests.mtag_core.evaluation.fakes import TellableFakeTagger
from tests.source_tree import ROOT

SCORES = {name: Score(9, 10, 10) for name in SUMMARY_METRICS}
BETTER = {name: Score(19, 20, 20) for name in SUMMARY_METRICS}


@pytest.fixture(autouse=True)
def results_in_tmp_path(tmp_path, monkeypatch):
    monkeypatch.setattr(facts, "DIRECTORY", tmp_path)


def result(treebank):
    return TreebankResult(treebank, treebank[:2], "test", True, SCORES)


def test_facts_are_read_back():
    write_facts("student-gold", [result("fr_a"), result("ta_b")], command="python -m x")
    stored = load_facts("student-gold")
    assert stored.command == "python -m x"
    assert stored.mean("UPOS", stored.trained) == pytest.approx(90.0)
    assert load_facts("nobody-gold").treebank_to_f1 == {}


def test_treebanks_without_training_data_are_in_no_average():
    assert Facts("", {"fr_a": {"UPOS": 90.0}, "br_keb": {"UPOS": 10.0}}).trained == ["fr_a"]


def test_an_average_with_a_hole_is_none():
    assert Facts("", {"fr_a": {"UPOS": 90.0}}).mean("UPOS", ["fr_a", "ta_b"]) is None


def test_every_table_is_made_before_anything_is_measured():
    made = {name: make() for name, make in tables.TABLES.items()}
    assert "93.7 / 88.6" in made["table4"]


def test_tables_of_the_document_are_those_of_its_facts(tmp_path, monkeypatch):
    monkeypatch.setattr(facts, "DIRECTORY", ROOT / "docs" / "results")
    monkeypatch.setattr(facts, "BENCHMARKS", ROOT / "docs" / "benchmarks")
    text = (ROOT / tables.OUTPUT).read_text(encoding="utf-8")
    (tmp_path / "emptied.md").write_text(re.sub(r"(?m)^\|.*\n", "", text))
    monkeypatch.setattr(tables, "OUTPUT", tmp_path / "emptied.md")
    assert tables.main() == 0
    assert tables.OUTPUT.read_text(encoding="utf-8") == text


def test_tables_hold_what_was_measured():
    names = [*tables.LOW_RESOURCE, *tables.OTHERS]
    for mode in ("gold", "raw", "raw-known"):
        write_facts(f"student-{mode}", [result(name) for name in names], command="")
    row = "| student, `mixed`, a document a file | 12 | 90.0 / 90.0 |"
    assert row in tables.TABLES["table4"]()


def test_lemmas_are_averaged_over_treebanks_that_have_some():
    without = {name: value for name, value in SCORES.items() if name != "Lemmas"}
    names = [result("fr_a"), result("ta_b"), replace(result("te_c"), scores=without)]
    write_facts("student-gold", names, command="")
    write_facts("udpipe-gold", [replace(result("ta_b"), scores=BETTER)], command="")
    made = tables.TABLES["lemmas"]()
    assert "| student, `mixed`, a document a file | 2 | 90.0 | - | - |" in made
    assert "| UDPipe 1, one a treebank | 1 | 95.0 | - | - |" in made
    assert "| - the student on the same treebanks | 1 | 90.0 | - | - |" in made


def test_told_scores_stand_beside_the_others_once_they_are_measured():
    names = [*tables.LOW_RESOURCE, *tables.OTHERS]
    better = [replace(result(name), scores=BETTER) for name in names]
    for mode in ("gold", "gold-style", "raw", "raw-known"):
        write_facts(f"student-{mode}", [result(name) for name in names], command="")
    assert "student, told the treebank" not in tables.TABLES["table4"]()
    assert "| kk_ktb | 10 | 90.0 / 90.0 | 90.0 | - | - |" in tables.TABLES["treebanks"]()
    write_facts("student-gold-told", better, command="")
    write_facts("student-raw-treebank-told", better, command="")
    row = "| student, told the treebank | 12 | 95.0 / 95.0 | 95.0 / 95.0 | - | - |"
    assert row in tables.TABLES["table4"]()
    row = "| student, told the treebank | raw, as the treebank | 95.0 / 95.0 |"
    assert row in tables.TABLES["table1"]() and row in tables.TABLES["table5"]()
    row = "| kk_ktb | 10 | 90.0 / 90.0 | 90.0 | 95.0 / 95.0 | 95.0 | 90.0 / 90.0 | - |"
    assert row in tables.TABLES["treebanks"]()
    assert "over one style a language | 5.0 | be_hse 5.0," in tables.TABLES["losses"]()


def test_encoders_are_in_the_tables_once_they_are_measured():
    for name in ("student-gold", "student-gold-told"):
        write_facts(name, [result("kk_ktb")], command="")
    assert not any("teacher" in tables.TABLES[name]() for name in ("table1", "table4", "table5"))
    for name in ("encoder-gold", "encoder_multilingual-gold-told"):
        write_facts(name, [replace(result("kk_ktb"), scores=BETTER)], command="")
    row = "| encoder, one a treebank | gold | 95.0 / 95.0 |"
    assert row in tables.TABLES["table1"]() and row in tables.TABLES["table5"]()
    made = tables.TABLES["table4"]()
    assert "| teacher, told the treebank | 1 | 95.0 / 95.0 | - | - | - |" in made
    assert "| - the student, told, on the same treebanks | 1 | 90.0 / 90.0 | - | - | - |" in made
    assert "teacher, multilingual" not in made


def test_speeds_of_a_gpu_stand_in_table_3(tmp_path, monkeypatch):
    monkeypatch.setattr(facts, "BENCHMARKS", tmp_path)
    speed = {"MiniBERT": {"words_per_s": 9000, "over_bert": 4.0}}
    record = {"device": "One GPU", "words_a_sentence": {"32": speed, "128": speed}}
    (tmp_path / "tag_gpu.json").write_text(json.dumps(record))
    assert "| MiniBERT, GPU | 4.0 | 4.0 | 9,000 | 9,000 |" in tables.TABLES["table3"]()


def test_telling_the_treebank_has_facts_of_its_own(tmp_path, monkeypatch):
    path = tmp_path / "fr_own-ud-test.conllu"
    path.write_text("1\ta\t_\tVERB\t_\t_\t_\t_\t_\t_\n\n")
    monkeypatch.setattr(score, "load_tagger", lambda *_: TellableFakeTagger())
    arguments = ["student", "--treebanks", str(path)]
    for flags in ([], ["--gold_treebank"], ["--raw", "--gold_treebank"]):
        assert score.main([*arguments, *flags]) == 0
    names = ("student-gold", "student-gold-told", "student-raw-treebank-told")
    assert [load_facts(name).mean("UPOS", ["fr_own"]) for name in names] == [0.0, 100.0, 100.0]


@pytest.mark.parametrize(
    ("flags", "name"),
    [([], "raw"), (["language"], "raw-known"), (["treebank"], "raw-treebank")],
)
def test_each_segmenter_of_raw_text_has_facts_of_its_own(tmp_path, monkeypatch, flags, name):
    path = tmp_path / "fr_own-ud-test.conllu"
    path.write_text("1\ta\t_\tNOUN\t_\t_\t_\t_\t_\t_\n\n")
    monkeypatch.setattr(score, "load_tagger", lambda *_: TellableFakeTagger())
    arguments = ["student", "--treebanks", str(path), "--raw"]
    assert score.main([*arguments, *(f"--segmenter={flag}" for flag in flags)]) == 0
    assert load_facts(f"student-{name}").mean("UPOS", ["fr_own"]) == 100.0


def test_the_setting_of_the_paper_has_its_column():
    write_facts("student-gold", [result("kk_ktb")], command="")
    write_facts("student-raw-treebank", [replace(result("kk_ktb"), scores=BETTER)], command="")
    out = tables.TABLES["table4"]()
    assert "| gold tokens | raw, segmented as the treebank (the paper's setting) |" in out
    assert "| 1 | 90.0 / 90.0 | 95.0 / 95.0 | - | - |" in out
    assert "| paper: MiniBERT, multilingual |  |  | 93.7 / 88.6 |  |  |" in out


def test_the_bundle_is_scored_in_every_setting(monkeypatch):
    calls = []
    monkeypatch.setattr(score, "main", calls.append)
    monkeypatch.setattr(score, "_write_all", lambda bundle: None)
    assert score.score_student(["--data", "data", "--bundle", "mine"]) == 0
    assert sum("--gold_treebank" in call for call in calls) == 2
    assert len(calls) == 11


def test_markdown_shows_a_dash_for_what_is_missing():
    assert pair(None, None) == "-"
    assert markdown_table(["a", "b"], [["1", "2"]]).splitlines()[1] == "|---|---:|"


def test_figures_name_every_treebank_and_system():
    stored = {"student-gold": Facts("", {"fr_a": {"UPOS": 96.0}})}
    names = [name for name, *_ in HEAT_COLUMNS]
    svg = heat_map(["fr_a"], {name: stored.get(name, Facts("", {})) for name in names})
    assert "fr_a" in svg
    assert "96.0" in svg
    sizes = {"student": {"megabytes": 35.0, "words_per_s": 9000}}
    chart = size_chart(sizes, {"student": Facts("", {"fr_a": {"UPOS": 94.0}})})
    assert "student: 94.0, 9,000 words/s" in chart


def test_systems_are_drawn_with_the_treebanks_that_all_have():
    sizes = {"a": {"megabytes": 1.0}, "b": {"megabytes": 2.0}}
    stored = {
        "a": Facts("", {"fr_a": {"UPOS": 90.0}, "ta_b": {"UPOS": 50.0}}),
        "b": Facts("", {"fr_a": {"UPOS": 80.0}}),
    }
    points, n_treebanks = comparable(sizes, stored)
    assert (points, n_treebanks) == ({"a": (1.0, 90.0, 0), "b": (2.0, 80.0, 0)}, 1)


def test_sizes_of_baselines_that_are_not_named_are_kept(tmp_path, capsys):
    output = tmp_path / "sizes.json"
    output.write_text('{"UDPipe 1, one a treebank": {"megabytes": 57.6}}')
    assert sizes.main(["--output", str(output)]) == 0
    record = json.loads(output.read_text())
    assert record["UDPipe 1, one a treebank"]["megabytes"] == 57.6
    assert record["student (the bundle)"]["embeddings"] == "256 x 20,000"


def test_rates_are_compared_round_by_round():
    rates = {"a": [10.0, 20.0, 30.0], "b": [1.0, 2.0, 3.0]}
    assert ratios(rates, base="b") == {"a": 10.0, "b": 1.0}


def test_sizes_of_meta_lstms_are_of_one_a_treebank_and_of_the_multilingual_one(tmp_path, capsys):
    for name, n_vectors in (("en_a", 10), ("fr_b", 30), ("multilingual", 500)):
        (tmp_path / name).mkdir()
        config = {"config": {"vector_width": 100, "n_vectors": n_vectors}}
        (tmp_path / name / "config.json").write_text(json.dumps(config))
        (tmp_path / name / "model.safetensors").write_bytes(bytes(400_000))
        (tmp_path / name / "vectors.npy").write_bytes(bytes(100_000))
    output = tmp_path / "sizes.json"
    assert sizes.main(["--meta_lstm", str(tmp_path), "--output", str(output)]) == 0
    record = json.loads(output.read_text())
    names = ("Meta-LSTM, one a treebank", "Meta-LSTM, multilingual")
    found = [[record[n][key] for key in ("embeddings", "other", "megabytes")] for n in names]
    assert found == [
        ["100 x 20 a treebank", "0.1M a treebank", 1.0],
        ["100 x 500", "0.1M", 0.5],
    ]


def test_a_system_is_measured_for_some_time():
    seconds = iter([0.0, 1.0, 2.0, 4.0])
    assert words_per_s(lambda: 6, min_s=2.0, clock=lambda: next(seconds)) == 3.0


def test_each_system_is_measured_in_each_round_but_the_first():
    counts = iter(range(6))
    measure = {name: lambda: float(next(counts)) for name in "ab"}
    assert interleaved(measure, n_rounds=2) == {"a": [2.0, 4.0], "b": [3.0, 5.0]}


def test_commands_are_shown_without_paths_of_this_machine(monkeypatch):
    monkeypatch.setenv("MTAG_SHARED", "/data/all")
    arguments = ["--text", "/data/all/ud/*.xz", "--python=/opt/x/python", "--data", "/data/all"]
    shown = "python -m benchmarks x --text 'data/ud/*.xz' --python=python --data data"
    assert shown_command("x", arguments) == shown


@pytest.mark.parametrize("name", BENCHMARKS)
def test_each_benchmark_is_a_function_of_its_module(name):
    module, function = function_of(name)
    source = (ROOT / module.replace(".", "/")).with_suffix(".py").read_text(encoding="utf-8")
    assert f"\ndef {function}(" in source


def test_an_unknown_benchmark_lists_the_known_ones(capsys):
    assert main(["nothing"]) == 2
    assert "tag_cpu" in capsys.readouterr().out


def test_a_baseline_without_model_is_left_out(tmp_path, monkeypatch):
    path = tmp_path / "fr_a-ud-test.conllu"
    path.write_text("1\ta\t_\tX\t_\t_\t_\t_\t_\t_\n\n")
    arguments = ["udpipe", "--models", str(tmp_path), "--treebanks", str(path)]
    assert score.main(arguments) == 0
    assert load_facts("udpipe-gold").treebank_to_f1 == {}


def test_a_udpipe_tagger_is_trained_once_and_scored(tmp_path):
    (tmp_path / "UD_Own").mkdir()
    rows = (
        "1\tdogs\tdog#1\tNOUN\t_\tNumber=Plur\t_\t_\t_\t_\n2\tran\trun\tVERB\t_\t_\t_\t_\t_\t_\n\n"
    )
    for split in ("train", "test"):
        path = tmp_path / "UD_Own" / f"en_own-ud-{split}.conllu.xz"
        path.write_bytes(lzma.compress((rows * 3).encode()))
    arguments = ["--data", str(tmp_path), "--models", str(tmp_path / "models")]
    assert udpipe.main([*arguments, "--iterations", "2"]) == 0
    changed = (tmp_path / "models" / "en_own.udpipe").stat().st_mtime_ns
    assert udpipe.main(arguments) == 0
    assert (tmp_path / "models" / "en_own.udpipe").stat().st_mtime_ns == changed
    pattern = str(tmp_path / "*" / "*-test.conllu.xz")
    score.main(["udpipe", "--models", str(tmp_path / "models"), "--treebanks", pattern])
    scores = load_facts("udpipe-gold").treebank_to_f1["en_own"]
    assert scores["UFeats"] == scores["Lemmas"] == 100.0
