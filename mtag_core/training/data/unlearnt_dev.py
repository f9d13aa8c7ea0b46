"""Writes the dev sentences that a model has not learnt from as CoNLL-U files, to score it on."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from mtag_core.training.data.taught import does_dev_sentence_teach
from mtag_core.training.data.treebanks import open_text, treebank_name


def write_unlearnt_dev(treebanks: Path, directory: Path, *, has_dev: bool) -> list[str]:
    """Copies what is left of each dev file.

    Args:
        treebanks: Holds the treebanks.
        directory: Gets a `*-dev.conllu` file for each dev file and, since scoring looks for it, an
            empty train file beside it.
        has_dev: Whether the model has learnt from three quarters of every dev file.

    Returns:
        The files written, sorted by name.
    """
    written = []
    for path in sorted(treebanks.rglob("*-dev.conllu*"), key=lambda path: path.name):
        name = treebank_name(path)
        target = directory / f"{name}-ud-dev.conllu"
        kept = (
            block
            for index, block in enumerate(_blocks(path))
            if not does_dev_sentence_teach(name, index, has_dev=has_dev)
        )
        target.write_text("".join(kept), encoding="utf-8")
        (directory / f"{name}-ud-train.conllu").touch()
        written.append(str(target))
    return written


def _blocks(path: Path) -> Iterator[str]:
    """Yields each sentence with its comments and the blank line behind it."""
    with open_text(path) as lines:
        for is_blank, group in groupby(lines, key=str.isspace):
            if not is_blank:
                yield "".join(group).rstrip("\n") + "\n\n"
