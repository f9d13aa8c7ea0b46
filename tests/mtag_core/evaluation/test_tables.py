import json

from mtag_core.evaluation.metrics import Score
from mtag_core.evaluation.tables import format_scores

SCORES = {"Words": Score(3, 4, 5), "UPOS": Score(2, 4, 5, 3), "FEATS": Score(1, 4, 5, 3)}


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
