"""Which sentences of treebanks are trained on, with which labels, and which are held out.

Where a dev file takes part in training, every fourth block of ten sentences is held out. Blocks,
because neighbours are of one text, which must not be on both sides too often.
"""

from collections.abc import Collection
from pathlib import Path

from mtag_core import conllu
from mtag_core.storage import open_text
from mtag_core.training.data.treebank_cleaning import repaired_feats, resegment_unpunctuated
from mtag_core.training.data.treebanks import (
    LabelledSentence,
    read_treebank,
    treebank_files,
    treebank_name,
)
from mtag_core.training.treebank_facts import facts_of

_BLOCK_SENTENCES = 10
_BLOCKS = 4
_RESEGMENTATION_SEED = 1
# Sentences in ten, where a treebank has no dev file.
_HELD_OUT = 1


def read_training_sentences(
    directory: Path,
    *,
    train_on_dev: bool = False,
    only: Collection[str] = (),
    hold_out_tenth: bool = False,
) -> list[LabelledSentence]:
    """Reads the sentences to train on.

    Args:
        directory: Holds the treebanks.
        train_on_dev: Three quarters of every dev file, too; else only where the train file is known
            to be faulty.
        only: Treebanks to read; empty for all.
        hold_out_tenth: Hold out every tenth sentence of train files without a dev file.

    Returns:
        Those of the train files, then those of dev files, then those of treebanks without
        punctuation once more, resegmented.
    """
    n_held_out = _HELD_OUT if hold_out_tenth else 0
    sentences = _train_sentences(directory, only, is_trained=True, n_held_out=n_held_out)
    sentences += _dev_sentences(directory, only, train_on_dev=train_on_dev, is_trained=True)
    return sentences + resegment_unpunctuated(sentences, seed=_RESEGMENTATION_SEED)


def read_dev_sentences(
    directory: Path,
    *,
    train_on_dev: bool = False,
    only: Collection[str] = (),
    hold_out_tenth: bool = False,
) -> list[LabelledSentence]:
    """Reads the sentences that `read_training_sentences` with these arguments holds out."""
    sentences = _dev_sentences(directory, only, train_on_dev=train_on_dev, is_trained=False)
    if hold_out_tenth:
        sentences += _train_sentences(directory, only, is_trained=False, n_held_out=_HELD_OUT)
    return sentences


def is_trained_on(treebank: str, index: int, *, train_on_dev: bool) -> bool:
    """Whether a sentence of a dev file is trained on, not held out.

    Args:
        treebank: Such as `en_ewt`.
        index: The sentence's place in its file, from 0.
        train_on_dev: As in `read_training_sentences`.
    """
    takes_part = train_on_dev or not facts_of(treebank).has_train_feats
    return takes_part and index // _BLOCK_SENTENCES % _BLOCKS != _BLOCKS - 1


def training_feats(sentence: LabelledSentence) -> tuple[str | None, ...]:
    """The FEATS to train on, those of train files repaired; None where one is not to be learnt."""
    return repaired_feats(sentence) if sentence.part == "train" else sentence.feats


def write_held_out_dev(treebanks: Path, directory: Path, *, train_on_dev: bool) -> list[str]:
    """Writes the dev sentences that a model was not trained on as CoNLL-U files, to score it on.

    Args:
        treebanks: Holds the treebanks.
        directory: Gets a `*-dev.conllu` file for each dev file and an empty train file
            beside it, by which scoring knows that the treebank has training data.
        train_on_dev: Whether the model was trained on three quarters of every dev file.

    Returns:
        The files written, sorted by name.
    """
    written = []
    for path in sorted(treebanks.rglob("*-dev.conllu*"), key=lambda path: path.name):
        name = treebank_name(path)
        target = directory / f"{name}-ud-dev.conllu"
        with open_text(path) as lines:
            kept = (
                sentence
                for index, sentence in enumerate(conllu.read(lines, source=str(path)))
                if not is_trained_on(name, index, train_on_dev=train_on_dev)
            )
            target.write_text("".join(conllu.write(kept)), encoding="utf-8")
        (directory / f"{name}-ud-train.conllu").touch()
        written.append(str(target))
    return written


def _files(directory: Path, part: str, only: Collection[str]) -> list[Path]:
    files = treebank_files(directory, part, is_required=part == "train")
    return [path for path in files if not only or treebank_name(path) in only]


def _train_sentences(
    directory: Path, only: Collection[str], *, is_trained: bool, n_held_out: int
) -> list[LabelledSentence]:
    """Sentences of train files; where there is no dev file, `n_held_out` in ten are held out."""
    have_dev = {treebank_name(path) for path in directory.rglob("*-dev.conllu*")}
    return [
        sentence
        for path in _files(directory, "train", only)
        for index, sentence in enumerate(read_treebank(path))
        if (sentence.treebank in have_dev or index % 10 < 10 - n_held_out) == is_trained
    ]


def _dev_sentences(
    directory: Path, only: Collection[str], *, train_on_dev: bool, is_trained: bool
) -> list[LabelledSentence]:
    return [
        sentence
        for path in _files(directory, "dev", only)
        for index, sentence in enumerate(read_treebank(path))
        if is_trained_on(sentence.treebank, index, train_on_dev=train_on_dev) == is_trained
    ]
