"""report.html: run.json for people, in one file that any browser opens.

It says nothing that differs between two runs over the same input, so its bytes do not either.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mtag_core.corpus.reasons import REASONS
from mtag_core.languages import LANGUAGES
from mtag_core.output.layout import MANIFESTS, PARTS, REJECTS, RUN
from mtag_core.parts.reject_examples import RejectExample
from mtag_core.parts.report_page import bars, link, page, section, table, text, tile
from mtag_core.wikipedia import PageOutcome

_MOST_BARS = 20
_MOST_INPUTS = 20


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
    """The parts of the page, in order."""
    inputs = report["config"]["inputs"]
    shown = "".join(f" <code>{text(pattern)}</code>" for pattern in inputs[:_MOST_INPUTS])
    more = f" and {len(inputs) - _MOST_INPUTS:,} more" if len(inputs) > _MOST_INPUTS else ""
    yield f'<header><h1>{_title(report)}</h1><p class="soft">from{shown}{more}</p></header>'
    yield _tiles(report["counts"])
    if report["pages_by_outcome"]:
        yield section("Pages of dumps", _pages(report["pages_by_outcome"]))
    yield _ranked("Languages", _named(report["tokens_by_language"]), unit="tokens")
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


def _named(by_language: Mapping[str, int]) -> dict[str, int]:
    return {
        f"{LANGUAGES[code].name} ({code})" if code in LANGUAGES else code: n_tokens
        for code, n_tokens in by_language.items()
    }


def _ranked(title: str, name_to_n: Mapping[str, int], *, unit: str) -> str:
    """Bars, the longest first; those after the first ones are folded away."""
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
    """The configuration; options that are objects a row each."""
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
