"""Whether a run had an effect."""

from collections.abc import Mapping
from typing import Any

from mtag_core.corpus.reasons import REMEDIES
from mtag_core.errors import NothingTaggedError
from mtag_core.output.layout import OutputLayout
from mtag_core.parts.reject_examples import reject_examples


def check_tagged(
    layout: OutputLayout, report: Mapping[str, Any], *, done: str = "tagged", hint: str = ""
) -> None:
    """Checks that a complete run wrote anything.

    Args:
        layout: The output directory.
        report: The content of run.json.
        done: What the run does to a sentence.
        hint: What can be done where documents had sentences that were not kept.

    Raises:
        NothingTaggedError: It wrote no token; the message has the first reject of each reason and
            what can be done about it.
    """
    counts = report["counts"]
    if counts["tokens"]:
        return
    summary = (
        f"nothing was {done}: {counts['documents']} documents read, {counts['rejected']} rejected; "
        "the output is complete, and empty"
    )
    hints = [f"  {hint}"] if hint and counts["tagged"] else []
    raise NothingTaggedError("\n".join([summary, *hints, *_first_rejects(layout, report)]))


def _first_rejects(layout: OutputLayout, report: Mapping[str, Any]) -> list[str]:
    ids = (part["id"] for part in report["parts"] if part["rejects"] is not None)
    examples = reject_examples(layout, map(layout.read_manifest, ids))
    return [
        f"  {reason} ({report['rejects_by_reason'][reason]:,}), the first: {first.doc_id}: "
        f"{first.detail}\n    {REMEDIES[reason]}"
        for reason, (first, *_) in sorted(examples.items())
    ]
