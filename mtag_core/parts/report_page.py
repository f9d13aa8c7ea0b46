"""The frame of report.html and its elements: one file that opens anywhere and loads nothing.

The only script sorts and filters tables; the page is complete without it.
"""

import base64
import hashlib
import html
from collections.abc import Iterable, Mapping, Sequence

from mtag_core.output.visible import visible

STYLE = """
:root { color-scheme: light dark; --ground: #f6f7f9; --card: #fff; --ink: #1c2330; --soft: #5d6b80;
  --line: #dfe4ec; --bar: #3d6fd9; --track: #e9edf5; --bad: #b3402a; --code: #eef1f6; }
@media (prefers-color-scheme: dark) { :root { --ground: #12161d; --card: #1b212b; --ink: #e6eaf1;
  --soft: #98a5b8; --line: #2d3643; --bar: #6d97f2; --track: #28303c; --bad: #ef8a73;
  --code: #232b37; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 62rem; background: var(--ground);
  color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans",
  sans-serif; }
h1 { font-size: 1.6rem; margin: 0; }
h2 { font-size: 1.1rem; margin: 0 0 .8rem; }
h3 { font-size: 1rem; margin: 1.2rem 0 .2rem; }
p { margin: .2rem 0; }
a { color: var(--bar); }
.soft { color: var(--soft); }
.small { font-size: .85rem; }
header { margin-bottom: 1.2rem; overflow-wrap: anywhere; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .7rem;
  padding: 1rem 1.1rem; margin-bottom: 1rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(6.6rem, 1fr)); gap: .7rem;
  margin-bottom: 1rem; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: .7rem;
  padding: .6rem .8rem; }
.tile b { display: block; font-size: 1.35rem; line-height: 1.3;
  font-variant-numeric: tabular-nums; }
.tile.bad b { color: var(--bad); }
.bars { display: grid; grid-template-columns: minmax(6rem, 11rem) 1fr auto; gap: .35rem .8rem;
  align-items: center; margin: 0; }
.bars > div { display: contents; }
.bars .name { overflow-wrap: anywhere; line-height: 1.25; }
.bars .share { display: inline-block; min-width: 3.2rem; color: var(--soft); font-size: .85rem; }
.bars .track { background: var(--track); border-radius: .3rem; height: .8rem; overflow: hidden; }
.bars .bar { display: block; background: var(--bar); height: 100%; border-radius: .3rem; }
.bars .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.axis { display: flex; justify-content: space-between; color: var(--soft); font-size: .8rem; }
.line { display: block; width: 100%; height: 9rem; }
.line polyline { fill: none; stroke: var(--bar); stroke-width: 2;
  vector-effect: non-scaling-stroke; }
.line path { stroke: var(--line); stroke-width: 1; vector-effect: non-scaling-stroke; }
details { margin-top: .8rem; }
summary { cursor: pointer; color: var(--soft); margin-bottom: .6rem; }
.example { border-left: 3px solid var(--line); padding-left: .8rem; margin: .7rem 0;
  overflow-wrap: anywhere; }
.sample { border-top: 1px solid var(--line); padding: .5rem 0; }
.sample p { overflow-wrap: anywhere; }
code { background: var(--code); border-radius: .3rem; padding: .1rem .35rem; font: .85em/1.6
  ui-monospace, "SF Mono", Menlo, Consolas, "Noto Sans Mono", monospace; overflow-wrap: anywhere;
  white-space: pre-wrap; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0;
  border-top: 1px solid var(--line); overflow-wrap: anywhere; }
th { color: var(--soft); font-weight: normal; white-space: nowrap; }
tr:first-child > * { border-top: 0; }
.scroll { overflow: auto; max-height: 28rem; }
.scroll th { position: sticky; top: 0; background: var(--card); }
.scroll td:first-child { min-width: 9rem; max-width: 24rem; }
.scroll .n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th button { all: unset; cursor: pointer; }
th button:focus-visible { outline: 2px solid var(--bar); }
th button::after { content: " \\2195"; opacity: .4; }
th[aria-sort="ascending"] button::after { content: " \\2191"; opacity: 1; }
th[aria-sort="descending"] button::after { content: " \\2193"; opacity: 1; }
input { font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--line);
  border-radius: .4rem; padding: .2rem .5rem; margin-bottom: .6rem; width: 100%;
  max-width: 20rem; }
@media (max-width: 34rem) { body { font-size: 15px; padding: 1rem .7rem 2rem; }
  section { padding: .8rem .7rem; }
  .bars { grid-template-columns: 6rem 1fr auto; gap: .35rem .5rem; } }
"""
SCRIPT = """
for (const table of document.querySelectorAll("table[data-sortable]")) {
  const body = table.tBodies[0];
  const value = (row, i) => row.cells[i].dataset.n ?? row.cells[i].textContent;
  const heads = [...table.querySelectorAll("th")];
  heads.forEach((head, i) => head.firstChild.addEventListener("click", () => {
    const isNumber = head.classList.contains("n");
    const before = head.getAttribute("aria-sort");
    const isUp = before ? before === "descending" : !isNumber;
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", isUp ? "ascending" : "descending");
    const order = (a, b) => isNumber ? value(a, i) - value(b, i)
      : value(a, i).localeCompare(value(b, i));
    const rows = [...body.rows].sort((a, b) => isUp ? order(a, b) : order(b, a));
    body.append(...rows);
  }));
  const filter = table.parentElement.previousElementSibling;
  if (filter?.tagName === "INPUT") {
    filter.hidden = false;
    filter.addEventListener("input", () => {
      const words = filter.value.toLowerCase().split(" ").filter(Boolean);
      for (const row of body.rows) {
        const cells = [...row.cells].map((cell) => cell.textContent.toLowerCase());
        row.hidden = !words.every((word) => cells.some((cell) => cell.startsWith(word)));
      }
    });
  }
}
"""
_SCRIPT_HASH = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
# Names and forms of a corpus may be of any length.
_MOST_CHARACTERS = 200


def page(title: str, body: Iterable[str]) -> str:
    """A whole HTML document."""
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta http-equiv="Content-Security-Policy" '
            "content=\"default-src 'none'; style-src 'unsafe-inline'; "
            f"script-src 'sha256-{_SCRIPT_HASH}'\">",
            f"<title>{text(title)}</title>",
            f"<style>{STYLE}</style>",
            "</head>",
            "<body>",
            *body,
            f"<script>{SCRIPT}</script>",
            "</body>",
            "</html>",
            "",
        ]
    )


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
    """A bar for each name, in order.

    Args:
        name_to_n: What to show.
        total: What the shares refer to.
        longest: The number whose bar takes the whole width.
    """
    rows = (_bar(name, n, total=total, longest=longest) for name, n in name_to_n.items())
    return "\n".join(['<div class="bars">', *rows, "</div>"])


def line_chart(points: Sequence[tuple[float, float]], *, axis: Sequence[str], label: str) -> str:
    """A line over its own width.

    Args:
        points: At least two; x rises, y is not below 0.
        axis: What stands below, evenly spread.
        label: What it shows, for those who do not see it.
    """
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

    Args:
        heads: Names of the columns.
        rows: Whole numbers are shown with commas, others as percents.
        has_filter: Whether there is a field to type what rows have to hold.
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
