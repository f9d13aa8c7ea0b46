"""Scores kept as facts in `docs/results/`, measured once, and how tables show them.

The figures that begin with PAPER are those that Tsai et al. 2019 report (ACL D19-1374), as they
stand in their tables: CoNLL F1 on raw test text segmented by UDPipe 2.2, in percent.
"""

import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtag_core.evaluation.summary import SUMMARY_METRICS
from mtag_core.evaluation.treebanks import TreebankResult

DIRECTORY = Path("docs/results")
BENCHMARKS = Path("docs/benchmarks")
LOW_RESOURCE = ("kk_ktb", "hy_armtdp", "lt_hse", "be_hse", "mr_ufal", "ta_ttb")
"""The treebanks of the paper's low-resource table, in its order."""

NOT_TRAINED = ("br_keb", "ja_modern")
"""Treebanks without training data: in no average that is compared with the paper's."""

SETTING = "UPOS / UFeats, CoNLL 2018 F1 in percent"
"""What a pair of scores is."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Scores of one system in one setting.

    Attributes:
        command: What made them.
        treebank_to_f1: F1 in percent by metric, and `n_tokens`, by treebank.
    """

    command: str
    treebank_to_f1: Mapping[str, Mapping[str, float]]

    def mean(self, metric: str, treebanks: Iterable[str] | None = None) -> float | None:
        """Macro average over treebanks; None where one is missing.

        Args:
            metric: Such as `UPOS`.
            treebanks: Default: all that have training data.
        """
        if treebanks is None:
            treebanks = [name for name in self.treebank_to_f1 if name not in NOT_TRAINED]
        values = [self.treebank_to_f1.get(name, {}).get(metric) for name in treebanks]
        known = [value for value in values if value is not None]
        # Exact, since sets of treebanks come in any order.
        return math.fsum(known) / len(known) if known and len(known) == len(values) else None


def load_facts(name: str) -> Facts | None:
    """Reads a system's scores, such as `student-gold`; None where they were not measured."""
    path = DIRECTORY / f"{name}.json"
    if not path.exists():
        return None
    record = json.loads(path.read_text(encoding="utf-8"))
    return Facts(record["command"], record["treebanks"])


def load_benchmark(name: str) -> dict[str, Any]:
    """Reads what a benchmark wrote, such as `tag_cpu`; nothing where it was not measured."""
    path = BENCHMARKS / f"{name}.json"
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return record


def trained_treebanks(facts: Facts | None) -> set[str]:
    """The treebanks of averages: those with training data."""
    return set(facts.treebank_to_f1) - set(NOT_TRAINED) if facts else set()


def write_facts(name: str, results: Sequence[TreebankResult], *, command: str) -> Path:
    """Writes a system's scores, a line a treebank."""
    rows = {
        result.treebank: {
            "n_tokens": result.scores["Words"].n_gold,
            **{
                metric: round(100 * result.scores[metric].f1, 2)
                for metric in SUMMARY_METRICS
                if metric in result.scores
            },
            "other_language": round(100 * result.other_language_share, 2),
        }
        for result in results
    }
    lines = [f"  {json.dumps(key)}: {json.dumps(row)}" for key, row in sorted(rows.items())]
    body = ",\n".join(lines)
    text = f'{{\n "command": {json.dumps(command)},\n "treebanks": {{\n{body}\n }}\n}}\n'
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    path = DIRECTORY / f"{name}.json"
    path.write_text(text, encoding="utf-8")
    return path


def number(value: float | None, *, digits: int = 1) -> str:
    """A number, or a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def pair(first: float | None, second: float | None) -> str:
    """Two percentages, such as UPOS / UFeats; a dash where both are missing."""
    if first is None and second is None:
        return "-"
    return f"{number(first)} / {number(second)}"


def scores_cell(facts: Facts | None, treebanks: Collection[str]) -> str:
    """UPOS / UFeats averaged over treebanks; a dash where one is missing."""
    if facts is None or not treebanks:
        return "-"
    return pair(facts.mean("UPOS", treebanks), facts.mean("UFeats", treebanks))


PAPER_MACRO = {
    "Meta-LSTM, one a language": (94.5, 92.5),
    "Meta-LSTM, multilingual": (91.1, 82.9),
    "BERT, one a language": (95.1, 93.0),
    "BERT, multilingual": (94.5, 91.0),
    "MiniBERT, multilingual": (93.7, 88.6),
}
"""Tables 1 and 4."""


def _row(upos: str, feats: str) -> dict[str, tuple[float, float]]:
    pairs = zip(map(float, upos.split()), map(float, feats.split()), strict=True)
    return dict(zip(LOW_RESOURCE, pairs, strict=True))


PAPER_LOW_RESOURCE = {
    "Meta-LSTM, one a language": _row(
        "61.7 75.4 81.4 91.1 72.1 72.7", "48.5 54.5 69.7 74.0 59.1 71.0"
    ),
    "BERT, one a language": _row("75.9 84.4 88.9 94.8 77.5 75.7", "47.8 44.8 75.2 82.8 64.0 72.9"),
    "BERT, multilingual": _row("81.4 86.6 90.0 95.0 75.9 74.3", "64.6 51.1 73.6 87.5 64.2 73.8"),
    "Meta-LSTM, multilingual": _row(
        "52.9 63.8 65.6 87.6 65.5 61.5", "25.6 36.6 42.5 59.2 33.6 46.9"
    ),
    "MiniBERT, multilingual": _row(
        "76.6 86.0 86.9 95.0 75.4 74.6", "59.7 47.6 64.8 81.6 59.4 71.7"
    ),
}
"""Table 5."""

PAPER_CODE_MIXED = {
    "BERT, supervised": 90.6,
    "Meta-LSTM, English": 47.7,
    "Meta-LSTM, Hindi": 53.8,
    "Meta-LSTM, multilingual": 83.4,
    "BERT, multilingual": 82.9,
    "MiniBERT, multilingual": 79.5,
}
"""Table 6: UPOS accuracy on Hindi-English tweets."""

PAPER_SPEED = {
    "Meta-LSTM": {"CPU": (6.8, 2.3), "GPU": (0.8, 0.2)},
    "MiniBERT": {"CPU": (27.7, 14.0), "GPU": (4.3, 2.6)},
}
"""Table 3: speed over BERT's at 32 and at 128 words."""

PAPER_SIZES = {
    "Meta-LSTM": "300 x 1.2M + 8M",
    "BERT": "768 x 120k + 87M",
    "MiniBERT": "256 x 120k + 2M",
}
"""Table 2: width x vocabulary of the embeddings, plus the other weights."""

PAPER_N_MORPHOLOGY_LABELS = 18_334
