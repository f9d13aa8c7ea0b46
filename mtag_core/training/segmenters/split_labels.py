"""Running text whose surface tokens a labeller has split, for `train-segmenters --labelled`.

A line is a sentence in JSON: a list of surface tokens, each a list of its form and its tokens.
Where the labeller is unsure, the form stands alone, and is there for its neighbours only.

    [["habait", "ha", "bait"], ["gadol", "gadol"], ["shelo"]]
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from mtag_core.storage import open_text
from mtag_core.training.segmenters.split_learning import SurfaceToken
from mtag_core.training.segmenters.treebank_text import text_language

SUFFIX = ".splits.jsonl.xz"
"""Files are called `<language>.splits.jsonl.xz` or `<language>_<variety>.splits.jsonl.xz`."""


def labelled_line(sentence: Sequence[SurfaceToken]) -> str:
    """Writes a sentence, with a line break."""
    rows = [(form, *parts) for form, parts in sentence]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":")) + "\n"


def read_labelled(directory: Path, language: str) -> Iterator[list[SurfaceToken]]:
    """Yields the labelled sentences of a language, of all varieties.

    Args:
        directory: Holds the files; without one of the language there are no sentences.
        language: Its code.
    """
    for path in sorted(directory.glob("*" + SUFFIX)):
        if text_language(path) == language:
            with open_text(path, newline="\n") as lines:
                for line in lines:
                    yield [(form, tuple(parts)) for form, *parts in json.loads(line)]
