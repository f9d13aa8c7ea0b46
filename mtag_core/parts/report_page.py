"""The frame of report.html: its style, and the small pieces of HTML that it is made of.

Everything stands in one file; a content security policy keeps browsers from loading anything else.
All text goes through `text`.
"""

import html
from collections.abc import Iterable, Mapping

from mtag_core.output.visible import visible

STYLE = """
:root { color-scheme: light dark; --ground: #f6f7f9; --card: #fff; --ink: #1c2330; --soft: #5d6b80;
  --line: #dfe4ec; --bar: #3d6fd9; --track: #e9edf5; --bad: #b3402a; --code: #eef1f6; }
@media (prefers-color-scheme: dark) { :root { --ground: #12161d; --card: #1b212b; --ink: #e6eaf1;
  --soft: #98a5b8; --line: #2d3643; --bar: #6d97f2; --track: #28303c; --bad: #ef8a73;
  --code: #232b37; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 58rem; background: var(--ground);
  color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans",
  sans-serif; }
h1 { font-size: 1.6rem; margin: 0; }
h2 { font-size: 1.1rem; margin: 0 0 .8rem; }
h3 { font-size: 1rem; margin: 1.2rem 0 .2rem; }
p { margin: .2rem 0; }
a { color: var(--bar); }
.soft { color: var(--soft); }
.small { font-size: .85rem; }
header { margin-bottom: 1.2rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .7rem;
  padding: 1rem 1.1rem; margin-bottom: 1rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .7rem;
  margin-bottom: 1rem; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: .7rem;
  padding: .7rem .9rem; }
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
details { margin-top: .8rem; }
summary { cursor: pointer; color: var(--soft); margin-bottom: .6rem; }
.example { border-left: 3px solid var(--line); padding-left: .8rem; margin: .7rem 0;
  overflow-wrap: anywhere; }
code { background: var(--code); border-radius: .3rem; padding: .1rem .35rem; font: .85em/1.6
  ui-monospace, "SF Mono", Menlo, Consolas, "Noto Sans Mono", monospace; overflow-wrap: anywhere;
  white-space: pre-wrap; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0;
  border-top: 1px solid var(--line); overflow-wrap: anywhere; }
th { color: var(--soft); font-weight: normal; white-space: nowrap; }
tr:first-child > * { border-top: 0; }
@media (max-width: 34rem) { body { font-size: 15px; padding: 1rem .7rem 2rem; }
  .bars { grid-template-columns: 6rem 1fr auto; gap: .35rem .5rem; } }
"""


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
            "content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            f"<title>{text(title)}</title>",
            f"<style>{STYLE}</style>",
            "</head>",
            "<body>",
            *body,
            "</body>",
            "</html>",
            "",
        ]
    )


def text(value: object) -> str:
    """Escaped text; control characters become visible, line breaks blanks."""
    return html.escape(visible(str(value)))


def section(title: str, *content: str) -> str:
    """A titled box."""
    return "\n".join(["<section>", f"<h2>{text(title)}</h2>", *content, "</section>"])


def tile(name: str, number: int, *, is_bad: bool = False) -> str:
    """A number with its name."""
    kind = "tile bad" if is_bad else "tile"
    return f'<div class="{kind}"><b>{number:,}</b><span class="soft">{text(name)}</span></div>'


def bars(name_to_n: Mapping[str, int], *, total: int, longest: int) -> str:
    """A bar for each name, in order.

    Args:
        name_to_n: What to show.
        total: What the shares refer to.
        longest: The number whose bar takes the whole width.
    """
    rows = (_bar(name, n, total=total, longest=longest) for name, n in name_to_n.items())
    return "\n".join(['<div class="bars">', *rows, "</div>"])


def table(rows: Iterable[tuple[str, str]]) -> str:
    """Two columns of HTML: names and values."""
    cells = (f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows)
    return "\n".join(["<table>", *cells, "</table>"])


def link(path: str, name: str) -> str:
    """A link to a file beside the report."""
    return f'<a href="{text(path)}">{text(name)}</a>'


def _bar(name: str, n: int, *, total: int, longest: int) -> str:
    width, share = 100 * n / max(1, longest), 100 * n / max(1, total)
    return (
        f'<div><span class="name">{text(name)}</span><span class="track">'
        f'<span class="bar" style="width:{width:.2f}%"></span></span>'
        f'<span class="number">{n:,} <span class="share">{share:.1f}%</span></span></div>'
    )
