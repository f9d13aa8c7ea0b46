"""Scores for people and programs: of a pair of files and of many treebanks, in three formats.

A table, Markdown or JSON; that of a pair of files is the shared task's.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mtag_core.evaluation.metrics import LEMMAS, TAG_METRICS, TREE_METRICS, WHOLE_FEATS, Score
from mtag_core.evaluation.treebanks import TreebankResult

FORMATS = ("table", "json", "markdown")
_RULE = "-" * 11
_COLUMNS = ("Precision", "Recall", "F1", "Aligned accuracy")
SUMMARY_METRICS = (
    *("Tokens", "Sentences", "Words", "UPOS", "UFeats", "AllTags", WHOLE_FEATS, LEMMAS),
)
"""The columns of summaries; one that no result has is left out."""

_LOSSES = ("lost: segmentation", "lost: tagging", "other language")


def format_scores(scores: Mapping[str, Score], *, format_name: str, counts: bool = False) -> str:
    """Formats the scores of one text, without a final newline.

    `table` is, to the character, what the CoNLL 2018 script prints with `-v`, or counts in place of
    percentages; `json`, which has both, and `markdown` add the whole-bundle `FEATS`.
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
    lines = ["Metric     | Precision |    Recall |  F1 Score | AligndAcc", "+".join([_RULE] * 5)]
    for name in _official(scores):
        score = scores[name]
        shares = (100 * score.precision, 100 * score.recall, 100 * score.f1)
        row = "".join(f"|{share:10.2f} " for share in shares)
        lines.append(f"{name:11}{row}|{_percent(score.aligned_accuracy, width=10)}")
    return "\n".join(lines)


def _counts_table(scores: Mapping[str, Score]) -> str:
    lines = ["Metric     | Correct   |      Gold | Predicted | Aligned", "+".join([_RULE] * 5)]
    for name in _official(scores):
        score = scores[name]
        counts = (score.n_correct, score.n_gold, score.n_system)
        row = "".join(f"|{count:10} " for count in counts)
        n_aligned = score.n_correct if name == "Words" else score.n_aligned
        lines.append(f"{name:11}{row}|{n_aligned or '':10}")
    return "\n".join(lines)


def _markdown(scores: Mapping[str, Score]) -> str:
    rows = []
    for name in [*_official(scores), *(name for name in scores if name == WHOLE_FEATS)]:
        score = scores[name]
        shares = (score.precision, score.recall, score.f1, score.aligned_accuracy)
        rows.append([name, *map(_percent, shares)])
    return markdown_table(["Metric", *_COLUMNS], rows)


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; columns after the first are aligned to the right."""
    first, *lines = (f"| {' | '.join(cells)} |" for cells in (header, *rows))
    return "\n".join([first, "|---|" + "---:|" * (len(header) - 1), *lines])


def _official(scores: Mapping[str, Score]) -> list[str]:
    return [name for name in TAG_METRICS + TREE_METRICS if name in scores]


def _percent(share: float | None, *, width: int = 0) -> str:
    return "" if share is None else f"{100 * share:{width}.2f}"


@dataclass(frozen=True, slots=True)
class Average:
    """F1 in percent averaged over so many treebanks or languages, those that have the metric."""

    name: str
    n_units: int
    metric_to_f1: dict[str, float]


def averages(results: Sequence[TreebankResult]) -> list[Average]:
    """Macro averages over treebanks and over languages.

    Where only some treebanks have training data, their averages come beside those of all. A
    language counts once, with the mean of its treebanks.
    """
    trained = [result for result in results if result.has_training_data]
    found = [*_both_averages(results, "")]
    if trained and len(trained) < len(results):
        found += _both_averages(trained, " with training data")
    return found


def _both_averages(results: Sequence[TreebankResult], suffix: str) -> list[Average]:
    by_language: dict[str, list[TreebankResult]] = {}
    for result in results:
        by_language.setdefault(result.language, []).append(result)
    return [
        Average(f"treebanks{suffix}", len(results), _mean_by_metric([[r] for r in results])),
        Average(f"languages{suffix}", len(by_language), _mean_by_metric(by_language.values())),
    ]


def _mean_by_metric(groups: Iterable[Sequence[TreebankResult]]) -> dict[str, float]:
    groups = list(groups)
    means: dict[str, float] = {}
    for name in SUMMARY_METRICS:
        having = [[result for result in group if name in result.scores] for group in groups]
        if any(having):
            f1 = ([100 * each.scores[name].f1 for each in group] for group in having if group)
            means[name] = _mean(map(_mean, f1))
    return means


def _mean(values: Iterable[float]) -> float:
    values = list(values)
    return sum(values) / len(values) if values else 0.0


def format_results(
    results: Sequence[TreebankResult], *, format_name: str, has_losses: bool = False
) -> str:
    """Formats results, one line a treebank, then the averages, without a final newline.

    For raw text, `has_losses` adds what segmentation cost (100 - Words F1), what tagging cost on
    top of it (Words F1 - UPOS F1), and the percentage of tokens that another language's segmenter
    cut.
    """
    if format_name == "json":
        return json.dumps(results_record(results), indent=2)
    metrics = [name for name in SUMMARY_METRICS if any(name in each.scores for each in results)]
    header = ["treebank", "tokens", *metrics, *(_LOSSES if has_losses else ())]
    rows = [_result_row(result, metrics, has_losses=has_losses) for result in results]
    rows += [_average_row(each, metrics, has_losses=has_losses) for each in averages(results)]
    if format_name == "markdown":
        return markdown_table(header, rows)
    return "\n".join(_table_lines([header, *rows]))


def results_record(results: Sequence[TreebankResult]) -> dict[str, object]:
    """The results as JSON has them."""
    return {
        "treebanks": [
            {
                "treebank": result.treebank,
                "language": result.language,
                "split": result.split,
                "has_training_data": result.has_training_data,
                "other_language_share": round(result.other_language_share, 4),
                "scores": {name: score_record(value) for name, value in result.scores.items()},
            }
            for result in results
        ],
        "averages": [
            {
                "over": average.name,
                "n": average.n_units,
                "f1": {name: round(value, 2) for name, value in average.metric_to_f1.items()},
            }
            for average in averages(results)
        ],
    }


def _result_row(result: TreebankResult, metrics: Sequence[str], *, has_losses: bool) -> list[str]:
    f1 = {name: 100 * score.f1 for name, score in result.scores.items()}
    cells = [result.treebank, str(result.scores["Words"].n_gold), *_cells(f1, metrics)]
    if has_losses:
        cells += _percents([*_losses(f1), 100 * result.other_language_share])
    return cells


def _average_row(average: Average, metrics: Sequence[str], *, has_losses: bool) -> list[str]:
    f1 = average.metric_to_f1
    cells = [f"mean of {average.name} ({average.n_units})", "", *_cells(f1, metrics)]
    return [*cells, *_percents(_losses(f1)), ""] if has_losses else cells


def _cells(f1: Mapping[str, float], metrics: Sequence[str]) -> list[str]:
    return [f"{f1[name]:.2f}" if name in f1 else "" for name in metrics]


def _losses(f1: dict[str, float]) -> list[float]:
    return [100 - f1["Words"], f1["Words"] - f1["UPOS"]]


def _percents(values: Iterable[float]) -> list[str]:
    return [f"{value:.2f}" for value in values]


def _table_lines(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *numbers in rows:
        padded = [cell.rjust(width) for cell, width in zip(numbers, widths[1:], strict=True)]
        yield "  ".join([name.ljust(widths[0]), *padded])
