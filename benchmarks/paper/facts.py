"""Scores kept as facts in `docs/results/`, measured once, and how tables show them."""

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
