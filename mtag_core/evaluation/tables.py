"""Writes the scores of one pair of files as the shared task's table, as Markdown or as JSON."""

import json
from collections.abc import Mapping

from mtag_core.evaluation.metrics import TAG_METRICS, TREE_METRICS, WHOLE_FEATS, Score

FORMATS = ("table", "json", "markdown")
_RULE = "-" * 11
_COLUMNS = ("Precision", "Recall", "F1", "Aligned accuracy")


def format_scores(scores: Mapping[str, Score], *, format_name: str, counts: bool = False) -> str:
    """Formats the scores of one text.

    Args:
        scores: As `mtag_core.evaluation.metrics.score` returns them.
        format_name: One of `FORMATS`. `table` is, to the character, what the CoNLL 2018 script
            prints with `-v`; `json` and `markdown` add the whole-bundle `FEATS`.
        counts: Gives counts in place of percentages in `table`; `json` always has both.

    Returns:
        Text without a final newline.
    """
    if format_name == "json":
        return json.dumps({name: score_record(score) for name, score in scores.items()}, indent=2)
    if format_name == "markdown":
        return _markdown(scores)
    return _counts_table(scores) if counts else _percent_table(scores)


def score_record(score: Score) -> dict[str, float | int | None]:
    """One score as JSON has it: shares in percent, rounded to 2 digits, and counts."""
    return {
        "precision": round(100 * score.precision, 2),
        "recall": round(100 * score.recall, 2),
        "f1": round(100 * score.f1, 2),
        "aligned_accuracy": (
            None if score.aligned_accuracy is None else round(100 * score.aligned_accuracy, 2)
        ),
        "n_correct": score.n_correct,
        "n_gold": score.n_gold,
        "n_system": score.n_system,
        "n_aligned": score.n_aligned,
    }


def _percent_table(scores: Mapping[str, Score]) -> str:
    lines = [
        "Metric     | Precision |    Recall |  F1 Score | AligndAcc",
        "+".join([_RULE] * 5),
    ]
    for name in _official(scores):
        score = scores[name]
        shares = (100 * score.precision, 100 * score.recall, 100 * score.f1)
        row = "".join(f"|{share:10.2f} " for share in shares)
        lines.append(f"{name:11}{row}|{_percent(score.aligned_accuracy, width=10)}")
    return "\n".join(lines)


def _counts_table(scores: Mapping[str, Score]) -> str:
    lines = [
        "Metric     | Correct   |      Gold | Predicted | Aligned",
        "+".join([_RULE] * 5),
    ]
    for name in _official(scores):
        score = scores[name]
        counts = (score.n_correct, score.n_gold, score.n_system)
        row = "".join(f"|{count:10} " for count in counts)
        n_aligned = score.n_correct if name == "Words" else score.n_aligned
        lines.append(f"{name:11}{row}|{n_aligned or '':10}")
    return "\n".join(lines)


def _markdown(scores: Mapping[str, Score]) -> str:
    lines = [f"| Metric | {' | '.join(_COLUMNS)} |", "|---|" + "---:|" * len(_COLUMNS)]
    for name in [*_official(scores), *(name for name in scores if name == WHOLE_FEATS)]:
        score = scores[name]
        cells = [_percent(share) for share in (score.precision, score.recall, score.f1)]
        cells.append(_percent(score.aligned_accuracy))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _official(scores: Mapping[str, Score]) -> list[str]:
    return [name for name in TAG_METRICS + TREE_METRICS if name in scores]


def _percent(share: float | None, *, width: int = 0) -> str:
    return "" if share is None else f"{100 * share:{width}.2f}"
