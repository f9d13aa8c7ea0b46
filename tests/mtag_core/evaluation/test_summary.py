"""None"""

import json

import pytest

from mtag_core.evaluation.metrics import Score
from mtag_core.evaluation.summary import SUMMARY_METRICS, averages, format_results, format_scores
from mtag_core.evaluation.treebanks import TreebankResult

SCORES = {"Words": Score(3, 4, 5), "UPOS": Score(2, 4, 5, 3), "FEATS": Score(1, 4, 5, 3)}


def result(treebank, n_correct, *, trained=True):
    scores = {name: Score(n_correct, 10, 10) for name in SUMMARY_METRICS}
    return TreebankResult(treebank, treebank[:2], "test", trained, scores)


RESULTS = [
    result("fr_a", 10),
    result("fr_b", 8),
    result("ta_c", 3),
    result("br_d", 1, trained=False),
]


def test_a_language_counts_once_in_the_average_over_languages():
    name_to_average = {average.name: average for average in averages(RESULTS)}
    treebanks = name_to_average["treebanks with training data"]
    languages = name_to_average["languages with training data"]
    assert treebanks.metric_to_f1["UPOS"] == pytest.approx(70.0)
    assert languages.metric_to_f1["UPOS"] == pytest.approx(60.0)
    assert name_to_average["treebanks"].n_units == 4


def test_there_is_one_pair_of_averages_when_all_have_training_data():
    assert [average.name for average in averages(RESULTS[:3])] == ["treebanks", "languages"]


def test_the_mean_of_lemmas_is_over_those_that_have_some():
    without = result("te_c", 3)
    del without.scores["Lemmas"]
    table = format_results([*RESULTS[:2], without], format_name="markdown").splitlines()
    lemmas = [row.split(" | ")[-1].rstrip(" |") for row in table]
    assert lemmas[0] == "Lemmas"
    assert lemmas[2:] == ["100.00", "80.00", "", "90.00", "90.00"]


def test_a_metric_that_nobody_has_is_no_column():
    without = result("te_c", 3)
    del without.scores["Lemmas"]
    assert "Lemmas" not in format_results([without], format_name="table")


def test_losses_to_segmentation_and_tagging_add_up():
    scores = {name: Score(9, 10, 10) for name in SUMMARY_METRICS} | {"UPOS": Score(7, 10, 10)}
    row = format_results(
        [TreebankResult("fr_a", "fr", "test", True, scores, 0.25)],
        format_name="markdown",
        has_losses=True,
    ).splitlines()[2]
    assert row.split(" | ")[-3:] == ["10.00", "20.00", "25.00 |"]


def test_json_has_every_treebank_and_average():
    record = json.loads(format_results(RESULTS, format_name="json"))
    assert [row["treebank"] for row in record["treebanks"]] == ["fr_a", "fr_b", "ta_c", "br_d"]
    assert record["averages"][0]["f1"]["UPOS"] == 55.0


def test_table_columns_stand_below_each_other():
    lines = format_results(RESULTS, format_name="table").splitlines()
    assert len({len(line) for line in lines}) == 1


def test_json_has_shares_in_percent_and_counts():
    record = json.loads(format_scores(SCORES, format_name="json"))["UPOS"]
    assert record["f1"] == 44.44
    assert record["aligned_accuracy"] == 66.67
    assert (record["n_correct"], record["n_gold"], record["n_system"]) == (2, 4, 5)


def test_markdown_has_a_row_a_metric():
    lines = format_scores(SCORES, format_name="markdown").splitlines()
    assert lines[3] == "| UPOS | 40.00 | 50.00 | 44.44 | 66.67 |"
    assert lines[4].startswith("| FEATS |")


def test_table_counts_stand_in_for_percentages():
    lines = format_scores(SCORES, format_name="table", counts=True).splitlines()
    assert lines[2] == "Words      |         3 |         4 |         5 |         3"
