"""Small pieces of Markdown."""

from collections.abc import Collection, Iterable, Sequence

from benchmarks.paper.facts import Facts

SETTING = "UPOS / UFeats, CoNLL 2018 F1 in percent"
"""What a pair of scores is."""


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; columns after the first are aligned to the right."""
    lines = [_line(header), "|---|" + "---:|" * (len(header) - 1), *map(_line, rows)]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


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
