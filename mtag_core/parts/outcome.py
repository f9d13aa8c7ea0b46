"""What a run came to: a few of its rejects, for people, and errors where it tagged too little."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mtag_core import storage
from mtag_core.corpus.reasons import REMEDIES
from mtag_core.errors import MtagError, NothingTaggedError, RejectRatioError
from mtag_core.output.layout import REJECTS, OutputLayout
from mtag_core.output.manifests import Manifest
from mtag_core.output.rejects import line_to_reject
from mtag_core.records import Reject

_EXAMPLES = 3
# Reading stops here: a file of rejects may be as large as the corpus.
_MOST_FILES = 50
_MOST_BYTES = 16 * 2**20
_INPUT_CHARACTERS = 160
_ID_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class RejectExample:
    """One reject for people.

    Attributes:
        doc_id: The document's id, or its source where it has none.
        detail: What is wrong.
        input_head: The first characters of the input; empty where it is not text or not held.
        path: The file of rejects, relative to the output directory.
    """

    doc_id: str
    detail: str
    input_head: str
    path: str


def reject_examples(
    layout: OutputLayout, manifests: Iterable[Manifest]
) -> dict[str, list[RejectExample]]:
    """Reads up to three rejects of each reason.

    Args:
        layout: The output directory.
        manifests: Of its parts; the first ones are looked into.

    Returns:
        Reason to examples, the same for the same manifests and files.
    """
    found: dict[str, list[RejectExample]] = {}
    n_files = 0
    for manifest in manifests:
        reasons = manifest.rejects_by_reason
        if n_files == _MOST_FILES or all(len(found.get(r, ())) == _EXAMPLES for r in reasons):
            continue
        n_files += 1
        for reject in _rejects(layout.rejects_path(manifest.part_id)):
            examples = found.setdefault(reject.reason, [])
            if len(examples) < _EXAMPLES:
                examples.append(_example(reject, f"{REJECTS}/part-{manifest.part_id}.jsonl"))
    return found


def _rejects(path: str) -> Iterator[Reject]:
    n_left = _MOST_BYTES
    try:
        with storage.open_read(path) as stream:
            while n_left > 0 and (line := stream.readline(n_left)).endswith(b"\n"):
                n_left -= len(line)
                yield line_to_reject(line)
    except (MtagError, OSError, ValueError, TypeError):
        return


def _example(reject: Reject, path: str) -> RejectExample:
    # Four bytes a character at most; a character that is cut in two is left out.
    head = (reject.input or b"")[: 4 * _INPUT_CHARACTERS].decode("utf-8", "ignore")
    is_text = head.encode() == (reject.input or b"")[: len(head.encode())]
    return RejectExample(
        doc_id=(reject.doc_id or reject.source)[:_ID_CHARACTERS],
        detail=reject.detail,
        input_head=head[:_INPUT_CHARACTERS] if is_text else "",
        path=path,
    )


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


def check_reject_ratio(report: Mapping[str, Any], *, max_reject_ratio: float | None) -> None:
    """Checks that no more documents were rejected than allowed.

    Args:
        report: The content of run.json.
        max_reject_ratio: The share of all documents that is allowed, 0 to 1; None allows all.

    Raises:
        RejectRatioError: More were; the message has the number of each reason.
    """
    n_documents, n_rejected = report["counts"]["documents"], report["counts"]["rejected"]
    if max_reject_ratio is None or n_rejected <= max_reject_ratio * n_documents:
        return
    reasons = ", ".join(f"{reason} {n}" for reason, n in report["rejects_by_reason"].items())
    raise RejectRatioError(
        f"{n_rejected} of {n_documents} documents were rejected ({reasons}), more than "
        f"--max_reject_ratio={max_reject_ratio} allows; the output is complete"
    )


def _first_rejects(layout: OutputLayout, report: Mapping[str, Any]) -> list[str]:
    ids = (part["id"] for part in report["parts"] if part["rejects"] is not None)
    examples = reject_examples(layout, map(layout.read_manifest, ids))
    return [
        f"  {reason} ({report['rejects_by_reason'][reason]:,}), the first: {first.doc_id}: "
        f"{first.detail}\n    {REMEDIES[reason]}"
        for reason, (first, *_) in sorted(examples.items())
    ]
