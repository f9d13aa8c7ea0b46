"""report.html: run.json for people, in one file that any browser opens.

It says nothing that differs between two runs over the same input, so its bytes do not either.
"""

import html
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from mtag_core.corpus.reasons import REASONS
from mtag_core.languages import LANGUAGES
from mtag_core.output.layout import MANIFESTS, PARTS, REJECTS, RUN
from mtag_core.output.visible import visible
from mtag_core.parts.outcome import RejectExample
from mtag_core.wikipedia import PageOutcome

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
_MOST_BARS = 20
_MOST_INPUTS = 20


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


def report_html(report: Mapping[str, Any], examples: Mapping[str, Sequence[RejectExample]]) -> str:
    """Renders the end of a run.

    Args:
        report: The content of run.json.
        examples: Reason to some of its rejects.

    Returns:
        A whole HTML document, the same for the same arguments.
    """
    return page(f"mtag: {_title(report)}", _body(report, examples))


def _body(
    report: Mapping[str, Any], examples: Mapping[str, Sequence[RejectExample]]
) -> Iterator[str]:
    inputs = report["config"]["inputs"]
    shown = "".join(f" <code>{text(pattern)}</code>" for pattern in inputs[:_MOST_INPUTS])
    more = f" and {len(inputs) - _MOST_INPUTS:,} more" if len(inputs) > _MOST_INPUTS else ""
    yield f'<header><h1>{_title(report)}</h1><p class="soft">from{shown}{more}</p></header>'
    yield _tiles(report["counts"])
    if report["pages_by_outcome"]:
        yield section("Pages of dumps", _pages(report["pages_by_outcome"]))
    untrained = report.get("untrained_tokens_by_language", {})
    languages = _named(report["tokens_by_language"], untrained)
    yield _ranked("Languages", languages, unit="tokens")
    yield _ranked("Parts of speech", report["tokens_by_upos"], unit="tokens")
    yield section("Rejects", *_rejects(report, examples))
    yield section("Made with", table(_settings(report["config"])))
    yield section("Files", table(_files(report["counts"])))


def _title(report: Mapping[str, Any]) -> str:
    is_scored = report["config"]["format"] == "logits"
    return "Teacher logits" if is_scored else "Tagged corpus"


def _tiles(counts: Mapping[str, int]) -> str:
    names = ("documents", "tagged", "rejected", "sentences", "tokens", "parts")
    tiles = (
        tile(name, counts[name], is_bad=name == "rejected" and counts[name] > 0) for name in names
    )
    return "\n".join(['<div class="tiles">', *tiles, "</div>"])


def _pages(by_outcome: Mapping[str, int]) -> str:
    total = sum(by_outcome.values())
    named = {outcome.replace("_", " "): by_outcome[outcome] for outcome in PageOutcome}
    note = f'<p class="soft">{total:,} pages; each has one outcome.</p>'
    return note + bars(named, total=total, longest=total)


def _named(by_language: Mapping[str, int], untrained: Collection[str]) -> dict[str, int]:
    named = {}
    for code, n_tokens in by_language.items():
        name = f"{LANGUAGES[code].name} ({code})" if code in LANGUAGES else code
        named[f"{name}, not trained" if code in untrained else name] = n_tokens
    return named


def _ranked(title: str, name_to_n: Mapping[str, int], *, unit: str) -> str:
    ordered = sorted(name_to_n.items(), key=lambda pair: (-pair[1], pair[0]))
    if not ordered:
        return section(title, '<p class="soft">None.</p>')
    total, longest = sum(name_to_n.values()), ordered[0][1]
    content = [bars(dict(ordered[:_MOST_BARS]), total=total, longest=longest)]
    if rest := ordered[_MOST_BARS:]:
        n_rest = sum(n for _, n in rest)
        content.append(f"<details><summary>{len(rest)} more, {n_rest:,} {unit}</summary>")
        content.append(bars(dict(rest), total=total, longest=longest) + "</details>")
    return section(f"{title} ({len(ordered)}, by {unit})", *content)


def _rejects(
    report: Mapping[str, Any], examples: Mapping[str, Sequence[RejectExample]]
) -> Iterator[str]:
    by_reason: Mapping[str, int] = report["rejects_by_reason"]
    if not by_reason:
        yield '<p class="soft">Nothing was rejected.</p>'
        return
    ordered = dict(sorted(by_reason.items(), key=lambda pair: (-pair[1], pair[0])))
    total = report["counts"]["documents"]
    named = {reason.replace("_", " "): n for reason, n in ordered.items()}
    yield bars(named, total=total, longest=max(ordered.values()))
    yield '<p class="soft small">Shares are of all documents.</p>'
    for reason in ordered:
        yield f"<h3><code>{text(reason)}</code></h3>"
        yield f'<p class="soft">{text(REASONS.get(reason, ""))}</p>'
        yield from map(_example, examples.get(reason, ()))


def _example(example: RejectExample) -> str:
    head = f'<p dir="auto"><code>{text(example.input_head)}</code></p>'
    return (
        f'<div class="example"><p><b>{text(example.doc_id)}</b></p><p>{text(example.detail)}</p>'
        f"{head if example.input_head else ''}"
        f'<p class="small">{link(example.path, example.path)}</p></div>'
    )


def _settings(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in sorted(config.items()):
        if isinstance(value, dict):
            yield from _settings(value)
        elif name != "inputs" and value is not None:
            shown = ", ".join(map(str, value)) if isinstance(value, list) else value
            yield text(name.replace("_", " ")), f"<code>{text(shown)}</code>"


def _files(counts: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    yield link(RUN, RUN), "the numbers of this page, and every part with its SHA-256"
    yield link(f"{PARTS}/", f"{PARTS}/"), f"{counts['parts']:,} parts"
    yield link(f"{MANIFESTS}/", f"{MANIFESTS}/"), "for each part: what was read, what came out"
    if counts["rejected"]:
        yield link(f"{REJECTS}/", f"{REJECTS}/"), "rejected documents; they can be replayed"
