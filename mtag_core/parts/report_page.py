"""The frame of report.html and its elements: one file that opens anywhere and loads nothing.

The frame is `report.html`. Its only script sorts and filters tables; the page is complete without
it.
"""

import base64
import hashlib
import html
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from string import Template

from mtag_core.tagging.tagged import visible

_TEMPLATE = resources.files(__package__).joinpath("report.html").read_text("utf-8")
_SCRIPT = _TEMPLATE.partition("<script>")[2].partition("</script>")[0]
_SCRIPT_HASH = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
# Names and forms of a corpus may be of any length.
_MOST_CHARACTERS = 200


def page(title: str, body: Iterable[str]) -> str:
    """A whole HTML document."""
    content = {"title": text(title), "hash": _SCRIPT_HASH, "body": "\n".join(body)}
    return Template(_TEMPLATE).substitute(content)


def text(value: object) -> str:
    """Escaped text; control characters become visible, line breaks blanks, long text is cut."""
    shown = str(value)
    if len(shown) > _MOST_CHARACTERS:
        shown = f"{shown[:_MOST_CHARACTERS]}\u2026"
    return html.escape(visible(shown))


def section(title: str, *content: str) -> str:
    """A titled box."""
    return "\n".join(["<section>", f"<h2>{text(title)}</h2>", *content, "</section>"])


def tile(name: str, value: str, *, is_bad: bool = False) -> str:
    """A number with its name."""
    kind = "tile bad" if is_bad else "tile"
    return f'<div class="{kind}"><b>{text(value)}</b><span class="soft">{text(name)}</span></div>'


def bars(name_to_n: Mapping[str, int], *, total: int, longest: int) -> str:
    """A bar for each name, in order; shares are of the total, the longest takes the whole width."""
    rows = (_bar(name, n, total=total, longest=longest) for name, n in name_to_n.items())
    return "\n".join(['<div class="bars">', *rows, "</div>"])


def line_chart(points: Sequence[tuple[float, float]], *, axis: Sequence[str], label: str) -> str:
    """A line over its own width, of two points or more; the axis stands below, evenly spread."""
    first, last = points[0][0], points[-1][0]
    highest = max(y for _, y in points) or 1.0
    places = " ".join(
        f"{1000 * (x - first) / (last - first):.1f},{98 - 94 * y / highest:.1f}" for x, y in points
    )
    marks = "".join(f"<span>{text(mark)}</span>" for mark in axis)
    return (
        f'<svg class="line" viewBox="0 0 1000 100" preserveAspectRatio="none" role="img" '
        f'aria-label="{text(label)}"><path d="M0 4H1000M0 51H1000M0 98H1000"></path>'
        f'<polyline points="{places}"></polyline></svg><div class="axis">{marks}</div>'
    )


def table(rows: Iterable[tuple[str, str]]) -> str:
    """Two columns of HTML: names and values."""
    cells = (f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows)
    return "\n".join(["<table>", *cells, "</table>"])


def sortable(
    heads: Sequence[str], rows: Iterable[Sequence[str | int | float]], *, has_filter: bool = False
) -> str:
    """A table that a click on a head sorts; the first row says which columns are of numbers.

    Whole numbers are shown with commas, others as percents.
    """
    found = list(rows)
    first = found[0] if found else heads
    kinds = ["" if isinstance(value, str) else ' class="n"' for value in first]
    head = "".join(
        f'<th scope="col"{kind}><button type="button">{text(name)}</button></th>'
        for name, kind in zip(heads, kinds, strict=True)
    )
    body = (f"<tr>{''.join(map(_cell, row))}</tr>" for row in found)
    label = "show rows with"
    field = f'<input type="search" hidden placeholder="{label}" aria-label="{label}">'
    return "\n".join(
        [
            *([field] if has_filter else []),
            '<div class="scroll" tabindex="0"><table data-sortable>',
            f"<thead><tr>{head}</tr></thead>",
            "<tbody>",
            *body,
            "</tbody></table></div>",
        ]
    )


def link(path: str, name: str) -> str:
    """A link to a file beside the report."""
    return f'<a href="{text(path)}">{text(name)}</a>'


def _cell(value: str | int | float) -> str:
    if isinstance(value, str):
        return f'<td dir="auto">{text(value)}</td>'
    if isinstance(value, int):
        return f'<td class="n" data-n="{value}">{value:,}</td>'
    return f'<td class="n" data-n="{value:.5f}">{100 * value:.1f}</td>'


def _bar(name: str, n: int, *, total: int, longest: int) -> str:
    width, share = 100 * n / max(1, longest), 100 * n / max(1, total)
    return (
        f'<div><span class="name">{text(name)}</span><span class="track">'
        f'<span class="bar" style="width:{width:.2f}%"></span></span>'
        f'<span class="number">{n:,} <span class="share">{share:.1f}%</span></span></div>'
    )
