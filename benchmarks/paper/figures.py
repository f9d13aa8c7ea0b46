"""Draws the figures of `docs/`: a heat map of treebanks, and size against accuracy and speed.

python -m benchmarks paper.figures
"""

import math
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path

from benchmarks.paper.facts import NOT_TRAINED, Facts, load_benchmark, load_facts

_HEAT_MAP = Path("docs/heat-map.svg")
_SIZES = Path("docs/size-accuracy-speed.svg")
_ROW, _COLUMN, _LABEL, _TOP = 16, 62, 120, 44
HEAT_COLUMNS = (
    ("student-gold", "UPOS", "gold"),
    ("student-raw-known", "UPOS", "raw"),
    ("student-gold", "UFeats", "gold"),
    ("student-raw-known", "UFeats", "raw"),
    ("student-raw-known", "Words", "raw"),
    ("udpipe-gold", "UPOS", "gold"),
    ("udpipe-gold", "UFeats", "gold"),
)
"""Facts, metric and kind of text."""
_N_STUDENT_COLUMNS = 5
_GAP = 14
"""Pixels between the student's columns and UDPipe's."""
_LOWEST = 50.0
"""Percent; everything below has the colour of this."""
_CHARTED = {
    "student (the bundle)": "student-gold",
    "UDPipe 1, one a treebank": "udpipe-gold",
    "Meta-LSTM, multilingual": "meta_lstm_multilingual-gold",
}
_STYLE = (
    "text { fill: #1c2330 } .back { fill: #fff } .rule { stroke: #ddd } .axis { stroke: #777 } "
    "@media (prefers-color-scheme: dark) { text { fill: #e6eaf1 } .back { fill: #12161d } "
    ".rule { stroke: #2d3643 } .axis { stroke: #98a5b8 } } .cell text { fill: #1c2330 }"
)
_COLOURS = ((103, 169, 207), (247, 247, 247), (239, 138, 98))
"""Red, green and blue of no error, of a fourth of the largest, and of the largest."""


Point = tuple[float, float, float]
"""Megabytes of the files that a user of all treebanks needs, UPOS F1 in percent, and words per
second on one core, 0 where that was not measured."""


def main() -> int:
    """Draws both; the colours follow the reader's, light or dark."""
    facts = {name: load_facts(name) for name, *_ in HEAT_COLUMNS}
    treebanks = sorted(facts["student-gold"].treebank_to_f1)
    _HEAT_MAP.write_text(heat_map(treebanks, facts), encoding="utf-8")
    scores = {name: load_facts(source) for name, source in _CHARTED.items()}
    _SIZES.write_text(size_chart(load_benchmark("sizes"), scores), encoding="utf-8")
    print(_HEAT_MAP, _SIZES)
    return 0


def heat_map(treebanks: list[str], facts: dict[str, Facts]) -> str:
    """A row a treebank, a column a metric, the number on its colour."""
    parts = [
        _text(_centre(0, _N_STUDENT_COLUMNS), 14, "student", anchor="middle"),
        _text(_centre(_N_STUDENT_COLUMNS, len(HEAT_COLUMNS)), 14, "UDPipe 1", anchor="middle"),
    ]
    for index, (_, metric, text) in enumerate(HEAT_COLUMNS):
        parts.append(_text(_left(index) + _COLUMN / 2, 28, metric, anchor="middle"))
        parts.append(_text(_left(index) + _COLUMN / 2, 40, text, anchor="middle"))
    for row, treebank in enumerate(treebanks):
        top = _TOP + row * _ROW
        name = f"{treebank} *" if treebank in NOT_TRAINED else treebank
        parts.append(_text(_LABEL - 6, top + 12, name, anchor="end"))
        for index, (source, metric, *_) in enumerate(HEAT_COLUMNS):
            value = facts[source].mean(metric, [treebank])
            parts.append(_heat_cell(_left(index), top, value))
    height = _TOP + len(treebanks) * _ROW
    note = "F1 in percent. - no model was trained. * no training data: in no average."
    parts.append(_text(_LABEL, height + 16, note))
    title = "F1 of each treebank in percent, from gold tokens and from raw text"
    return _svg(_left(len(HEAT_COLUMNS)) + 10, height + 28, parts, title=title)


def _left(index: int) -> float:
    return _LABEL + index * _COLUMN + (_GAP if index >= _N_STUDENT_COLUMNS else 0)


def _centre(first: int, end: int) -> float:
    return (_left(first) + _left(end - 1) + _COLUMN) / 2


def _heat_cell(left: float, top: float, value: float | None) -> str:
    if value is None:
        return _text(left + _COLUMN / 2, top + 12, "-", anchor="middle")
    box = (
        f'<rect x="{left}" y="{top}" width="{_COLUMN - 1}" height="{_ROW - 1}" '
        f'fill="{_colour(value)}"/>'
    )
    number = _text(left + _COLUMN / 2, top + 12, f"{value:.1f}", anchor="middle")
    return f'<g class="cell">{box}{number}</g>'


def _colour(value: float) -> str:
    # The root spreads out the upper end, where most treebanks are.
    share = 2 * math.sqrt(min(1.0, (100 - value) / (100 - _LOWEST)))
    start, end = _COLOURS[:2] if share < 1 else _COLOURS[1:]
    part = share if share < 1 else share - 1
    channels = (round(a + (b - a) * part) for a, b in zip(start, end, strict=True))
    return "#" + "".join(f"{channel:02x}" for channel in channels)


def comparable(
    sizes: Mapping[str, Mapping[str, float]], facts: Mapping[str, Facts]
) -> tuple[dict[str, Point], int]:
    """Systems scored on the treebanks that all have a model for, and the number of these."""
    shared = set.intersection(*(set(scores.trained) for scores in facts.values()))
    points = {
        name: (
            sizes[name]["megabytes"],
            scores.mean("UPOS", shared) or 0,
            sizes[name].get("words_per_s") or 0,
        )
        for name, scores in facts.items()
        if name in sizes and shared
    }
    return points, len(shared)


def size_chart(sizes: Mapping[str, Mapping[str, float]], facts: Mapping[str, Facts]) -> str:
    """Size across, UPOS up, the area of a disc for words per second; both scales are labelled."""
    points, n_treebanks = comparable(sizes, facts)
    width, height, margin = 720, 420, 60
    low, high, step = _scale([upos for _, upos, _ in points.values()])
    parts = [_axis(width, height, margin)]
    for decade in range(0, 4):
        left = _across(10**decade, width, margin)
        parts.append(_rule(left, margin, left, height - margin))
        parts.append(_text(left, height - margin + 18, f"{10**decade:,} MB", anchor="middle"))
    for percent in range(low, high + 1, step):
        top = _up(percent, low, high, height, margin)
        parts.append(_rule(margin, top, width - margin, top))
        parts.append(_text(margin - 8, top + 4, f"{percent}%", anchor="end"))
    for name, (megabytes, upos, words_per_s) in points.items():
        left = _across(megabytes, width, margin)
        top = _up(upos, low, high, height, margin)
        radius = max(3.0, math.sqrt(words_per_s) / 6)
        colour = "#2b7bba99" if words_per_s else "#99999999"
        parts.append(f'<circle cx="{left:.0f}" cy="{top:.0f}" r="{radius:.1f}" fill="{colour}"/>')
        speed = f"{words_per_s:,.0f} words/s" if words_per_s else "speed not measured"
        label = f"{name}: {upos:.1f}, {speed}"
        # Beside the disc, where there is room: discs stand above each other more often.
        side, anchor = (1, "start") if left < width / 2 + margin else (-1, "end")
        parts.append(_text(left + side * (radius + 6), top + 4, label, anchor=anchor))
    title = (
        f"Size on disk against UPOS F1 from gold tokens, macro over {n_treebanks} treebanks; "
        "area: words per second on one core"
    )
    parts.append(_text(width / 2, 20, title, anchor="middle"))
    return _svg(width, height, parts, title=title)


def _scale(values: list[float]) -> tuple[int, int, int]:
    low, high = math.floor(min(values, default=90)) - 1, math.ceil(max(values, default=95)) + 2
    step = max(1, (high - low) // 8)
    return low // step * step, -(-high // step) * step, step


def _across(megabytes: float, width: int, margin: int) -> float:
    return margin + 40 + math.log10(megabytes) / 3 * (width - 2 * margin - 80)


def _up(percent: float, low: int, high: int, height: int, margin: int) -> float:
    return height - margin - (percent - low) / (high - low) * (height - 2 * margin)


def _axis(width: int, height: int, margin: int) -> str:
    points = f"{margin},{margin} {margin},{height - margin} {width - margin},{height - margin}"
    return f'<polyline points="{points}" class="axis" fill="none"/>'


def _rule(left: float, top: float, right: float, bottom: float) -> str:
    ends = f'x1="{left:.0f}" y1="{top:.0f}" x2="{right:.0f}" y2="{bottom:.0f}"'
    return f'<line {ends} class="rule"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(width: float, height: float, parts: Iterable[str], *, title: str) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="11">'
    )
    name, style = f"<title>{escape(title)}</title>", f"<style>{_STYLE}</style>"
    back = f'<rect class="back" width="{width}" height="{height}"/>'
    return "\n".join([head, name, style, back, *parts, "</svg>"]) + "\n"
