"""Lines of a source, each with its offset; a line over the limit is counted, not held."""

from collections.abc import Iterator
from dataclasses import dataclass

from mtag_core.corpus.sniffing import UTF8_MARK
from mtag_core.corpus.source import Source

# A block's lines are held at once; short ones take many times their bytes.
_BLOCK_BYTES = 2**18


@dataclass(frozen=True, slots=True)
class LongLine:
    """Stands for a line over the limit."""

    n_bytes: int


def read_lines(
    source: Source, *, end: int | None, limit: int, is_mid_line: bool = False
) -> Iterator[tuple[int, bytes | LongLine]]:
    """Yields (offset, line with its end) of the lines that start before `end`.

    What was read to the end is checked: a line feed that ended no line is a failure of the source.
    A byte order mark at the start of a file is dropped; its line starts at 0 all the same. A last
    line that a failure of the source cut off is not yielded but noted in the source.

    Args:
        source: Read from its position on.
        end: Offset; None for the end of the source.
        limit: Most bytes of a line, its end included.
        is_mid_line: The source stands behind the start of a line that is not to be yielded, or on
            the line end right before the first line.
    """
    offset = source.position
    tail: list[bytes] = []
    n_tail = 0
    skips = is_mid_line
    n_lines = n_dropped = 0
    if offset == 0 and source.peek(len(UTF8_MARK)) == UTF8_MARK:
        n_dropped = len(source.read_exactly(len(UTF8_MARK)))
    while block := source.read(_BLOCK_BYTES):
        parts = block.splitlines(keepends=True) if b"\r" not in block else _split(block)
        for part in parts:
            if not part.endswith(b"\n"):
                n_tail += len(part)
                if n_tail <= limit and not skips:
                    tail.append(part)
                else:
                    tail.clear()
                continue
            n_bytes = n_tail + len(part)
            n_lines += 1
            if not skips:
                if end is not None and offset >= end:
                    return
                if n_bytes > limit:
                    yield offset, LongLine(n_bytes)
                else:
                    yield offset, b"".join((*tail, part)) if n_tail else part
            offset += n_bytes + n_dropped
            n_dropped = 0
            skips = False
            tail.clear()
            n_tail = 0
    source.check_lines(n_lines)
    if source.failure:
        source.cut_off(offset, None if n_tail > limit else b"".join(tail))
    elif n_tail and not skips and (end is None or offset < end):
        yield offset, LongLine(n_tail) if n_tail > limit else b"".join(tail)


def _split(block: bytes) -> list[bytes]:
    """Splits at line feeds only."""
    lines = [line + b"\n" for line in block.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]
