"""Scores kept as facts in `docs/results/`, measured once, and how tables show them."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtag_core.evaluation.summary import SUMMARY_METRICS
from mtag_core.evaluation.treebanks import TreebankResult

DIRECTORY = Path("docs/results")
BENCHMARKS = Path("docs/benchmarks")
PAPER: dict[str, Any] = json.loads(Path(__file__).with_name("tsai2019.json").read_text("utf-8"))
"""The figures that stand in the paper's tables."""

NOT_TRAINED = ("br_keb", "ja_modern")
"""Treebanks without training data: in no average that is compared with the paper's."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Scores of one system in one setting: F1 in percent by metric, and `n_tokens`, by treebank."""

    command: str
    treebank_to_f1: Mapping[str, Mapping[str, float]]

    @property
    def trained(self) -> list[str]:
        """The treebanks of averages: those with training data."""
        return sorted(set(self.treebank_to_f1) - set(NOT_TRAINED))

    def mean(self, metric: str, treebanks: Iterable[str]) -> float | None:
        """Macro average of a metric, such as `UPOS`; None where a treebank is missing."""
        values = [self.treebank_to_f1.get(name, {}).get(metric) for name in treebanks]
        known = [value for value in values if value is not None]
        return sum(known) / len(known) if known and len(known) == len(values) else None


def load_facts(name: str) -> Facts:
    """Reads a system's scores, such as `student-gold`; of no treebank if not measured."""
    path = DIRECTORY / f"{name}.json"
    if not path.exists():
        return Facts("", {})
    record = json.loads(path.read_text(encoding="utf-8"))
    return Facts(record["command"], record["treebanks"])


def load_benchmark(name: str) -> dict[str, Any]:
    """Reads what a benchmark wrote, such as `tag_cpu`; nothing where it was not measured."""
    path = BENCHMARKS / f"{name}.json"
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return record


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


def scores_cell(facts: Facts, treebanks: Collection[str]) -> str:
    """UPOS / UFeats averaged over treebanks; a dash where one is missing."""
    return pair(facts.mean("UPOS", treebanks), facts.mean("UFeats", treebanks))
