"""Draws the figures of `docs/`: a heat map of treebanks, and size against accuracy and speed.

python -m benchmarks.paper.figures
"""

import json
import math
import sys
from collections.abc import Iterable
from html import escape
from pathlib import Path

from benchmarks.paper.facts import Facts, load_facts

_HEAT_MAP = Path("docs/heat-map.svg")
_SIZES = Path("docs/size-accuracy-speed.svg")
_ROW, _COLUMN, _LABEL = 16, 76, 130
_HEAT_COLUMNS = (
    ("student-gold", "UPOS", "UPOS gold"),
    ("student-raw-known", "UPOS", "UPOS raw"),
    ("student-gold", "UFeats", "UFeats gold"),
    ("student-raw-known", "UFeats", "UFeats raw"),
    ("student-raw-known", "Words", "Words raw"),
    ("udpipe-gold", "UPOS", "UDPipe UPOS"),
    ("udpipe-gold", "UFeats", "UDPipe UFeats"),
)
_LOWEST = 50.0
"""Percent; everything below has the colour of this."""


def main() -> int:
    """Draws both."""
    facts = {name: load_facts(name) for name, _, _ in _HEAT_COLUMNS}
    gold = facts["student-gold"]
    if gold is None:
        raise SystemExit("docs/results/student-gold.json is missing: run benchmarks.paper.score")
    _HEAT_MAP.write_text(heat_map(sorted(gold.treebank_to_f1), facts), encoding="utf-8")
    points = json.loads(Path("docs/benchmarks/sizes.json").read_text(encoding="utf-8"))
    _SIZES.write_text(size_chart(points), encoding="utf-8")
    print(_HEAT_MAP, _SIZES)
    return 0


def heat_map(treebanks: list[str], facts: dict[str, Facts | None]) -> str:
    """A row a treebank, a column a metric, the number on its colour."""
    parts = [
        _text(_LABEL + (index + 0.5) * _COLUMN, 14, title, anchor="middle")
        for index, (_, _, title) in enumerate(_HEAT_COLUMNS)
    ]
    for row, treebank in enumerate(treebanks):
        top = 22 + row * _ROW
        parts.append(_text(_LABEL - 6, top + 12, treebank, anchor="end"))
        for index, (name, metric, _) in enumerate(_HEAT_COLUMNS):
            source = facts[name]
            value = source.treebank_to_f1.get(treebank, {}).get(metric) if source else None
            parts.append(_heat_cell(_LABEL + index * _COLUMN, top, value))
    width = _LABEL + len(_HEAT_COLUMNS) * _COLUMN + 10
    title = "F1 of each treebank in percent, from gold tokens and from raw text"
    return _svg(width, 30 + len(treebanks) * _ROW, parts, title=title)


def _heat_cell(left: float, top: float, value: float | None) -> str:
    """One coloured cell."""
    if value is None:
        return _text(left + _COLUMN / 2, top + 12, "-", anchor="middle")
    # Squared error share, so that the upper end, where most treebanks are, is spread out.
    share = math.sqrt(min(1.0, (100 - value) / (100 - _LOWEST)))
    colour = f"hsl({round(210 - 190 * share)} 65% {round(45 + 30 * (1 - abs(2 * share - 1)))}%)"
    box = f'<rect x="{left}" y="{top}" width="{_COLUMN - 1}" height="{_ROW - 1}" fill="{colour}"/>'
    return box + _text(left + _COLUMN / 2, top + 12, f"{value:.1f}", anchor="middle")


def size_chart(points: dict[str, dict[str, float]]) -> str:
    """Size across, UPOS up, the area of a disc for words per second; both scales are labelled."""
    known = {name: row for name, row in points.items() if row.get("upos") and row.get("megabytes")}
    width, height, margin = 720, 420, 60
    low = math.floor(min(row["upos"] for row in known.values())) - 1
    high = math.ceil(max(row["upos"] for row in known.values())) + 1
    parts = [_axis(width, height, margin)]
    for decade in range(0, 4):
        left = _across(10**decade, width, margin)
        parts.append(_text(left, height - margin + 18, f"{10**decade:,} MB", anchor="middle"))
    for percent in range(low, high + 1):
        top = _up(percent, low, high, height, margin)
        parts.append(_text(margin - 8, top + 4, f"{percent}", anchor="end"))
    for name, row in known.items():
        left = _across(row["megabytes"], width, margin)
        top = _up(row["upos"], low, high, height, margin)
        rate = row.get("words_per_s") or 0
        radius = max(3.0, math.sqrt(rate) / 6)
        parts.append(f'<circle cx="{left:.0f}" cy="{top:.0f}" r="{radius:.1f}" fill="#2b7bba99"/>')
        label = f"{name}: {row['upos']:.1f}" + (f", {rate:,.0f} words/s" if rate else "")
        parts.append(_text(left, top - radius - 5, label, anchor="middle"))
    title = "Model size (MB, logarithmic) against UPOS F1 (percent); area: words per second"
    parts.append(_text(width / 2, 20, title, anchor="middle"))
    return _svg(width, height, parts, title=title)


def _across(megabytes: float, width: int, margin: int) -> float:
    """Where a size stands, from 1 MB to 1,000 MB."""
    return margin + 40 + math.log10(megabytes) / 3 * (width - 2 * margin - 80)


def _up(percent: float, low: int, high: int, height: int, margin: int) -> float:
    """Where a percentage stands."""
    return height - margin - (percent - low) / (high - low) * (height - 2 * margin)


def _axis(width: int, height: int, margin: int) -> str:
    """The lines on the left and below."""
    points = f"{margin},{margin} {margin},{height - margin} {width - margin},{height - margin}"
    return f'<polyline points="{points}" fill="none" stroke="#777"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start") -> str:
    """A label."""
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(width: float, height: float, parts: Iterable[str], *, title: str) -> str:
    """The whole picture, on white, so that it can be read on a dark page too."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="11">'
    )
    back = f'<rect width="{width}" height="{height}" fill="#fff"/>'
    return "\n".join([head, f"<title>{escape(title)}</title>", back, *parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
