"""What a run prints at its end: a few tagged sentences, the counts, the paths."""

import io
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from mtag_core.output.preview import Preview
from mtag_core.output.visible import visible
from mtag_core.parts.run_plan import PlanSize
from mtag_core.records import READER_FAILED
from mtag_core.wikipedia.dumps import PageOutcome
from pipelines.progress import format_seconds

_MOST_LANGUAGES = 12


def print_plan(size: PlanSize, *, output: str) -> None:
    """Prints what a run would do."""
    table = _table("Plan (nothing was written)")
    n_completed = size.n_parts - size.n_pending
    table.add_row("work items", f"{size.n_parts:,} ({n_completed:,} of them made by earlier runs)")
    if size.sliced:
        table.add_row("slices", f"{size.n_expected_slices:,}, about, of {len(size.sliced):,} files")
    table.add_row("files", f"{size.n_files:,}, counting each range of a split file")
    table.add_row("input", format_bytes(size.n_bytes))
    table.add_row("largest item", format_bytes(size.largest_bytes))
    table.add_row("output", output)
    _console().print(table)


def print_summary(
    report: Mapping[str, Any],
    times: Mapping[str, Any],
    *,
    previews: Sequence[Preview],
    paths: Mapping[str, str],
    title: str = "Tagged",
) -> None:
    """Prints the end of a run.

    Args:
        report: The content of run.json.
        times: This run's, as the file in `runs/` has them.
        title: What was done.
        previews: Sentences to show.
        paths: Name to path of what was written.
    """
    console = _console()
    for preview in previews:
        console.print(visible(preview.title), style="bold", soft_wrap=True)
        console.print(_sentence_table(preview))
    table = _table(title)
    for name, value in _summary_rows(report, times):
        table.add_row(name, value)
    console.print(table)
    for name, path in paths.items():
        # Not in the table: a path must not be wrapped or cut, or nobody can copy it.
        console.print(f"{name:>8}  {path}", soft_wrap=True, highlight=False, markup=False)


def format_bytes(n_bytes: int) -> str:
    """A size for people.

    Example: format_bytes(12_582_912) -> "12.0 MiB"
    """
    size, units = float(n_bytes), ["B", "KiB", "MiB", "GiB", "TiB"]
    while size >= 1024 and len(units) > 1:
        size /= 1024
        units.pop(0)
    return f"{size:,.0f} B" if units[0] == "B" else f"{size:,.1f} {units[0]}"


def _summary_rows(report: Mapping[str, Any], times: Mapping[str, Any]) -> list[tuple[str, str]]:
    counts, n_completed = report["counts"], times["parts_from_earlier_runs"]
    rows = [
        *_pages(report["pages_by_outcome"]),
        ("documents", f"{counts['documents']:,}"),
        ("sentences", f"{counts['sentences']:,}"),
        ("tokens", f"{counts['tokens']:,}"),
        ("languages", _languages(report["tokens_by_language"])),
        *_untrained(report.get("untrained_tokens_by_language", {})),
        ("rejected", _rejects(counts["rejected"], report["rejects_by_reason"])),
        ("parts", f"{counts['parts']:,} ({n_completed:,} of them from earlier runs)"),
        ("time", format_seconds(times["elapsed_s"])),
    ]
    if n_failed := report["rejects_by_reason"].get(READER_FAILED):
        rows.append(("bugs", f"{n_failed:,} rejects {READER_FAILED}: please report them"))
    if n_removed := times["parts_removed"]:
        rows.append(("removed", f"{n_removed:,} parts whose input is gone or has changed"))
    if times["tokens_per_s"] is not None:
        rows.append(("words/s", f"{times['tokens_per_s']:,.0f}"))
    return rows


def _pages(by_outcome: Mapping[str, int]) -> list[tuple[str, str]]:
    if not by_outcome:
        return []
    shown = ", ".join(f"{o.replace('_', ' ')} {by_outcome[o]:,}" for o in PageOutcome)
    return [("pages", f"{sum(by_outcome.values()):,}: {shown}")]


def _languages(tokens_by_language: Mapping[str, int]) -> str:
    if not tokens_by_language:
        return "0"
    ordered = sorted(tokens_by_language, key=lambda code: (-tokens_by_language[code], code))
    shown = " ".join(ordered[:_MOST_LANGUAGES])
    n_more = len(ordered) - _MOST_LANGUAGES
    return f"{len(ordered)}: {shown}" + (f" and {n_more} more" if n_more > 0 else "")


def _untrained(tokens_by_language: Mapping[str, int]) -> list[tuple[str, str]]:
    if not tokens_by_language:
        return []
    n_tokens = sum(tokens_by_language.values())
    return [("not trained", f"{_languages(tokens_by_language)}, {n_tokens:,} tokens")]


def _rejects(n_rejected: int, by_reason: Mapping[str, int]) -> str:
    if not n_rejected:
        return "0"
    # Bugs first.
    ordered = sorted(by_reason.items(), key=lambda p: (p[0] != READER_FAILED, -p[1], p[0]))
    return f"{n_rejected:,}: " + ", ".join(f"{reason} {n:,}" for reason, n in ordered)


def _sentence_table(preview: Preview) -> Table:
    table = Table(box=box.SIMPLE)
    lemmas = ["lemma"] if preview.lemmas else []
    for column in ("form", *lemmas, "UPOS", "FEATS"):
        table.add_column(column, overflow="fold")
    for index, (form, *tags) in enumerate(preview.tokens):
        table.add_row(*map(visible, (form, *preview.lemmas[index : index + 1])), *tags)
    return table


def _table(title: str) -> Table:
    table = Table(
        title=title, box=box.SIMPLE, show_header=False, title_justify="left", title_style="bold"
    )
    table.add_column(justify="right", style="bold")
    table.add_column(overflow="fold")
    return table


def _console() -> Console:
    """Standard output; text of the corpus is no markup and gets no emoji.

    Characters that the output's encoding lacks become question marks: the run is complete.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    return Console(markup=False, emoji=False, highlight=False)
