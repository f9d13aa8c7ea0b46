"""Takes CoNLL-U sentences apart and puts others together from their rows."""

from collections.abc import Iterable

_ID, _HEAD, _DEPREL, _DEPS = 0, 6, 7, 8


def read_rows(sentence: str) -> list[list[str]]:
    """Reads the rows of a sentence.

    Args:
        sentence: Comments and empty nodes are left out.

    Returns:
        Ten columns each, without syntax, whose heads would point elsewhere in another sentence.
    """
    rows = [line.split("\t") for line in sentence.splitlines() if not line.startswith("#")]
    rows = [row for row in rows if len(row) == 10 and "." not in row[_ID]]
    for row in rows:
        row[_HEAD] = row[_DEPREL] = row[_DEPS] = "_"
    return rows


def write_rows(rows: Iterable[list[str]]) -> str:
    """Writes rows as a sentence, without the line end after the last.

    Args:
        rows: Numbered in any way; a multiword token's row says how many rows after it are its own.

    Returns:
        The rows, numbered from 1.
    """
    lines, n_tokens = [], 0
    for row in rows:
        first, _, last = row[_ID].partition("-")
        if last:
            number = f"{n_tokens + 1}-{n_tokens + 1 + int(last) - int(first)}"
        else:
            n_tokens += 1
            number = str(n_tokens)
        lines.append("\t".join([number, *row[1:]]))
    return "\n".join(lines)
