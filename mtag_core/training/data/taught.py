"""Which sentences of treebanks teach, with which labels, and which are kept to score models on."""

from collections.abc import Collection
from pathlib import Path

from mtag_core.training.data.label_repairs import repaired_feats
from mtag_core.training.data.recutting import recut_unmarked
from mtag_core.training.data.treebanks import (
    LabelledSentence,
    read_treebank,
    treebank_files,
    treebank_name,
)

# The train file of these treebanks teaches no FEATS; its dev file always takes part instead.
_DEV_TAUGHT_TREEBANKS = frozenset({"id_gsd"})
# Where a dev file takes part in training, every fourth block of ten sentences is kept for scoring.
# Blocks, because neighbours are of one text, which must not stand on both sides too often.
_BLOCK_SENTENCES = 10
_BLOCKS = 4
_RECUT_SEED = 1


def read_training_sentences(
    directory: Path, *, has_dev: bool = False, only: Collection[str] = ()
) -> list[LabelledSentence]:
    """Reads the sentences that teach.

    Args:
        directory: Holds the treebanks.
        has_dev: Three quarters of every dev file teach too; without, only where the train file is
            known to be faulty.
        only: Treebanks to read; empty for all.

    Returns:
        Those of the train files, then those of dev files, then those of treebanks without closing
        marks once more, cut anew.
    """
    sentences = [
        sentence for path in _files(directory, "train", only) for sentence in read_treebank(path)
    ]
    sentences += _dev_sentences(directory, only, has_dev=has_dev, is_taught=True)
    return sentences + recut_unmarked(sentences, seed=_RECUT_SEED)


def read_dev_sentences(
    directory: Path, *, has_dev: bool = False, only: Collection[str] = ()
) -> list[LabelledSentence]:
    """Reads the dev sentences that `read_training_sentences`, called alike, leaves for scoring."""
    return _dev_sentences(directory, only, has_dev=has_dev, is_taught=False)


def does_dev_sentence_teach(treebank: str, index: int, *, has_dev: bool) -> bool:
    """Whether a sentence of a dev file is learnt instead of scored.

    Args:
        treebank: Such as `en_ewt`.
        index: The sentence's place in its file, from 0.
        has_dev: As in `read_training_sentences`.
    """
    takes_part = has_dev or treebank in _DEV_TAUGHT_TREEBANKS
    return takes_part and index // _BLOCK_SENTENCES % _BLOCKS != _BLOCKS - 1


def _files(directory: Path, part: str, only: Collection[str]) -> list[Path]:
    """The files of one part, of the wanted treebanks."""
    files = treebank_files(directory, part)
    return [path for path in files if not only or treebank_name(path) in only]


def _dev_sentences(
    directory: Path, only: Collection[str], *, has_dev: bool, is_taught: bool
) -> list[LabelledSentence]:
    """The dev sentences that teach, or those that do not."""
    return [
        sentence
        for path in _files(directory, "dev", only)
        for index, sentence in enumerate(read_treebank(path))
        if does_dev_sentence_teach(sentence.treebank, index, has_dev=has_dev) == is_taught
    ]


def taught_feats(sentence: LabelledSentence) -> tuple[str | None, ...]:
    """A sentence's FEATS, those of train files repaired; None where not to be learnt."""
    return repaired_feats(sentence) if sentence.part == "train" else sentence.feats
