"""Rejected documents as JSON lines that can be read in again.

A line holds the reject's fields; the input stands under `input` where it is valid UTF-8, else
under `input_base64`. A file of them can be the input of a later run:
`--input 'out/rejects/*.jsonl' --text_field=input --id_field=doc_id`.
"""

import base64
import json
from typing import Any

from mtag_core.records import Reject


def reject_to_line(reject: Reject) -> bytes:
    """One JSON line, with its line feed."""
    fields: dict[str, Any] = {
        "doc_id": reject.doc_id,
        "source": reject.source,
        "offset": reject.offset,
        "step": reject.step,
        "reason": reject.reason,
        "detail": reject.detail,
        "n_input_bytes": reject.n_input_bytes,
    } | _input_fields(reject.input)
    # Lone surrogates may stand in an id or a detail; ASCII escapes keep them and valid UTF-8 both.
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def line_to_reject(line: bytes | str) -> Reject:
    """Reads back what `reject_to_line` wrote."""
    fields = json.loads(line)
    text, encoded = fields.pop("input", None), fields.pop("input_base64", None)
    if text is not None:
        return Reject(**fields, input=text.encode())
    return Reject(**fields, input=None if encoded is None else base64.b64decode(encoded))


def _input_fields(data: bytes | None) -> dict[str, str]:
    if data is None:
        return {}
    try:
        return {"input": data.decode()}
    except UnicodeDecodeError:
        return {"input_base64": base64.b64encode(data).decode("ascii")}
