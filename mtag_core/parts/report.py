"""report.html: a run for people, in one file that any browser opens.

Everything but dates and times is the same for the same input.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from mtag_core import storage
from mtag_core.corpus.decoding import REASONS, REMEDIES
from mtag_core.languages import LANGUAGES
from mtag_core.output.count_tables import CountSummary
from mtag_core.output.layout import (
    COUNT_SUMS,
    MANIFESTS,
    PARTS,
    REJECTS,
    RUN,
    WORD_SUMS,
    OutputLayout,
)
from mtag_core.output.part_counts import CONFIDENCE_BINS
from mtag_core.output.preview import Preview
from mtag_core.parts.outcome import RejectExample, ReportData, read_report_data
from mtag_core.parts.report_page import (
    bars,
    line_chart,
    link,
    page,
    section,
    sortable,
    table,
    text,
    tile,
)
from mtag_core.tagging.tagged import sentence_html, visible
from mtag_core.wikipedia.dumps import PageOutcome

_MOST_BARS = 20
_MOST_INPUTS = 20
# Languages with less of the tokens are folded, and parts of speech.
_SMALL_SHARE = 0.001
_SHORTEST_S = 0.5


def report_html(
    report: Mapping[str, Any], data: ReportData, times: Sequence[Mapping[str, Any]] = ()
) -> str:
    """Renders the end of a run from run.json, report.json and the times of runs, the last first.

    The document is the same for the same arguments.
    """
    return page(f"mtag: {_title(report)}", _body(report, data, times))


def write_report(
    layout: OutputLayout, report: Mapping[str, Any], times: Sequence[Mapping[str, Any]] = ()
) -> None:
    """Writes report.html from run.json, report.json and the times of runs, as far as known."""
    page = report_html(report, read_report_data(layout), times)
    with storage.atomic_writer(layout.report_path) as stream:
        stream.write(page.encode())


def _body(
    report: Mapping[str, Any], data: ReportData, times: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    yield _header(report, times)
    yield _tiles(report["counts"], times)
    if times:
        yield section("Runs", *_runs(times))
    if report["pages_by_outcome"]:
        yield section("Pages of dumps", _pages(report["pages_by_outcome"]))
    untrained = report.get("untrained_tokens_by_language", {})
    languages = _named(report["tokens_by_language"], untrained)
    yield _ranked("Languages", languages, unit="tokens")
    yield _ranked("Parts of speech", report["tokens_by_upos"], unit="tokens")
    if data.counts is not None:
        yield from _count_sections(data.counts)
    if data.samples:
        yield section(f"{len(data.samples)} sentences", *map(_sample, data.samples))
    yield section("Rejects", *_rejects(report, data.examples))
    yield section("Made with", table(_settings(report["config"])))
    yield section("Files", table(_files(report["counts"], data)))


def _header(report: Mapping[str, Any], times: Sequence[Mapping[str, Any]]) -> str:
    inputs = report["config"]["inputs"]
    shown = "".join(f" <code>{text(pattern)}</code>" for pattern in inputs[:_MOST_INPUTS])
    more = f" and {len(inputs) - _MOST_INPUTS:,} more" if len(inputs) > _MOST_INPUTS else ""
    made = [f"by {text(name)}" for name in report.get("generators", ())]
    if times:
        made.insert(0, f"on {text(str(times[0].get('ended', '')).replace('T', ' '))}")
    lines = [f"from{shown}{more}", *(["made " + ", ".join(made)] if made else [])]
    paragraphs = "".join(f'<p class="soft" dir="auto">{line}</p>' for line in lines)
    return f"<header><h1>{_title(report)}</h1>{paragraphs}</header>"


def _title(report: Mapping[str, Any]) -> str:
    is_scored = report["config"]["format"] == "logits"
    return "Teacher logits" if is_scored else "Tagged corpus"


def _tiles(counts: Mapping[str, int], times: Sequence[Mapping[str, Any]]) -> str:
    names = ("documents", "tagged", "rejected", "sentences", "tokens", "parts")
    tiles = [
        tile(name, f"{counts[name]:,}", is_bad=name == "rejected" and counts[name] > 0)
        for name in names
    ]
    if times:
        tiles.append(tile("duration", format_seconds(float(times[0].get("elapsed_s") or 0))))
        tiles.append(tile("words a second", _rate(times[0])))
    return "\n".join(['<div class="tiles">', *tiles, "</div>"])


def _runs(times: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    rates = _rates(times[0].get("throughput", ()))
    if len(rates) > 2:
        highest = max(rate for _, rate in rates)
        yield f'<p class="soft small">Words a second in the last run, up to {highest:,.0f}.</p>'
        axis = [f"{rates[0][0]:,.0f} s", f"{rates[-1][0]:,.0f} s"]
        yield line_chart(rates, axis=axis, label="words a second over time")
    rows = [
        (
            str(each.get("ended", "")),
            str(each.get("version", "")),
            round(each.get("elapsed_s") or 0),
            int(each.get("tokens") or 0),
            round(each.get("tokens_per_s") or 0),
            int(each.get("parts_from_earlier_runs") or 0),
        )
        for each in times
    ]
    heads = ("ended", "version", "seconds", "words tagged", "words a second", "parts from before")
    yield sortable(heads, rows)


def _rates(throughput: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
    return [
        (x2, (y2 - y1) / (x2 - x1))
        for (x1, y1), (x2, y2) in pairwise(throughput)
        if x2 - x1 > _SHORTEST_S
    ]


def format_seconds(seconds: float) -> str:
    """A duration for people: `2.5 s`, `59 s`, `4 min 10 s`, `3 h 5 min`.

    Example: format_seconds(250) -> "4 min 10 s"
    """
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def _rate(times: Mapping[str, Any]) -> str:
    rate = times.get("tokens_per_s")
    return "unknown" if rate is None else f"{rate:,.0f}"


def _count_sections(counts: CountSummary) -> Iterator[str]:
    if counts.confidence:
        yield section("Confidence", *_confidence(counts.confidence))
    if counts.upos_by_language:
        yield section("Parts of speech by language, percent", *_upos_by_language(counts))
    if counts.words:
        note = (
            '<p class="soft small">The most frequent of each of the largest languages, without '
            "punctuation; words.parquet has all.</p>"
        )
        rows = [(_language_name(code), upos, word, n) for code, upos, word, n in counts.words]
        rows.sort(key=lambda row: -row[3])
        heads = ("language", "UPOS", "word", "tokens")
        yield section("Words", note, sortable(heads, rows, has_filter=True))
    if counts.documents:
        names = sorted({upos for _, _, by_upos in counts.documents for upos in by_upos})
        documents: list[tuple[str | int, ...]] = [
            (document, n, *(by_upos.get(upos, 0) for upos in names))
            for document, n, by_upos in counts.documents
        ]
        note = f'<p class="soft small">{_largest(len(documents))}; counts.parquet has all.</p>'
        yield section("Documents", note, sortable(("document", "tokens", *names), documents))
    if counts.sources:
        note = f'<p class="soft small">{_largest(len(counts.sources))} of {counts.n_sources:,}.</p>'
        names = ["file", "tagged", "rejected", "sentences", "tokens"]
        yield section("Input files", note, sortable(names, counts.sources, has_filter=True))


def _confidence(low_to_n: Mapping[str, int]) -> Iterator[str]:
    yield '<p class="soft small">Tokens by the probability of their part of speech.</p>'
    width = 1 / CONFIDENCE_BINS
    lowest = round(float(min(low_to_n)) / width)
    lows = [f"{index * width:.2f}" for index in range(CONFIDENCE_BINS - 1, lowest - 1, -1)]
    named = {f"{low} to {float(low) + width:.2f}": low_to_n.get(low, 0) for low in lows}
    yield bars(named, total=sum(named.values()), longest=max(named.values()))


def _largest(n: int) -> str:
    return f"The {n:,} largest" if n > 1 else "The largest"


def _upos_by_language(counts: CountSummary) -> Iterator[str]:
    names = sorted({upos for by_upos in counts.upos_by_language.values() for upos in by_upos})
    totals = {code: sum(by_upos.values()) for code, by_upos in counts.upos_by_language.items()}
    least = _SMALL_SHARE * sum(totals.values())
    rows: list[tuple[str | int | float, ...]] = [
        (
            _language_name(code),
            totals[code],
            *(by_upos.get(upos, 0) / totals[code] for upos in names),
        )
        for code, by_upos in sorted(
            counts.upos_by_language.items(), key=lambda pair: (-totals[pair[0]], pair[0])
        )
    ]
    heads = ("language", "tokens", *names)
    yield sortable(heads, [row for row in rows if int(row[1]) >= least])
    if small := [row for row in rows if int(row[1]) < least]:
        yield f"<details><summary>{len(small)} more, each under 0.1 %</summary>"
        yield sortable(heads, small) + "</details>"


def _sample(sample: Preview) -> str:
    lemmas = sample.lemmas or (None,) * len(sample.tokens)
    tokens = [
        (visible(form), upos, feats, lemma)
        for (form, upos, feats), lemma in zip(sample.tokens, lemmas, strict=True)
    ]
    html = sentence_html(tokens, language=sample.language)
    return (
        f'<div class="sample"><p class="soft small" dir="auto">{text(sample.title)}</p>{html}</div>'
    )


def _pages(by_outcome: Mapping[str, int]) -> str:
    total = sum(by_outcome.values())
    named = {outcome.replace("_", " "): by_outcome[outcome] for outcome in PageOutcome}
    note = f'<p class="soft">{total:,} pages; each has one outcome.</p>'
    return note + bars(named, total=total, longest=total)


def _named(by_language: Mapping[str, int], untrained: Collection[str]) -> dict[str, int]:
    named = {}
    for code, n_tokens in by_language.items():
        name = _language_name(code)
        named[f"{name}, not trained" if code in untrained else name] = n_tokens
    return named


def _language_name(code: str) -> str:
    return f"{LANGUAGES[code].name} ({code})" if code in LANGUAGES else code


def _ranked(title: str, name_to_n: Mapping[str, int], *, unit: str) -> str:
    ordered = sorted(name_to_n.items(), key=lambda pair: (-pair[1], pair[0]))
    if not ordered:
        return section(title, '<p class="soft">None.</p>')
    total, longest = sum(name_to_n.values()), ordered[0][1]
    n_shown = sum(n >= _SMALL_SHARE * total for _, n in ordered[:_MOST_BARS])
    content = [bars(dict(ordered[:n_shown]), total=total, longest=longest)]
    if rest := ordered[n_shown:]:
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
        yield f"<p>What helps: {text(REMEDIES.get(reason, 'look at the example'))}.</p>"
        first, others = (found := list(map(_example, examples.get(reason, ()))))[:1], found[1:]
        yield from first
        if others:
            yield f"<details><summary>{len(others)} more</summary>{''.join(others)}</details>"


def _example(example: RejectExample) -> str:
    head = f'<p dir="auto"><code>{text(example.input_head)}</code></p>'
    return (
        f'<div class="example"><p dir="auto"><b>{text(example.doc_id)}</b></p>'
        f"<p>{text(example.detail)}</p>"
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


def _files(counts: Mapping[str, int], data: ReportData) -> Iterator[tuple[str, str]]:
    yield link(RUN, RUN), "the numbers of this page, and every part with its SHA-256"
    yield link(f"{PARTS}/", f"{PARTS}/"), f"{counts['parts']:,} parts"
    yield link(f"{MANIFESTS}/", f"{MANIFESTS}/"), "for each part: what was read, what came out"
    if data.counts is not None:
        yield link(COUNT_SUMS, COUNT_SUMS), "tokens by document, language and UPOS"
        yield link(WORD_SUMS, WORD_SUMS), "tokens by language, UPOS and word"
    if counts["rejected"]:
        yield link(f"{REJECTS}/", f"{REJECTS}/"), "rejected documents; they can be replayed"
