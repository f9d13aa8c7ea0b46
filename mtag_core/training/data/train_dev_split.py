"""Which sentences of treebanks are trained on, with which labels, and which are held out.

Where a dev file takes part in training, every fourth block of ten sentences is held out. Blocks,
because neighbours are of one text, which must not be on both sides too often.

Part of the training data was projected from another annotation of the same text, and some
projections write FEATS that the treebank's dev and test files never do. Learning them costs
accuracy; they are replaced where the right value is certain, and left unlabelled where it is not
(`mtag_core.training.treebank_facts`).

Speech, tweets and old texts often have no mark where a sentence ends, so a segmenter ends it
elsewhere. A tagger that was trained on whole sentences only does badly on such pieces; it is
trained on both.
"""

import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from pathlib import Path

from mtag_core import conllu
from mtag_core.folding import usual_letters
from mtag_core.lemmas import clean_lemma, lemma_rule
from mtag_core.storage import open_text
from mtag_core.training.data.other_forms import in_other_letters
from mtag_core.training.data.treebanks import (
    LabelledSentence,
    read_treebank,
    treebank_files,
    treebank_name,
)
from mtag_core.training.treebank_facts import TreebankFacts, facts_of
from mtag_core.treebank_style import treebank_language

_BLOCK_SENTENCES = 10
_BLOCKS = 4
_RESEGMENTATION_SEED = 1

# A treebank has punctuation if at least so many of its sentences end in a mark, or in a mark and a
# quotation mark.
_PUNCTUATED_SHARE = 0.5
_CLOSING_TOKENS = 2
_SHORTEST, _LONGEST = 6, 50
_N_CACHED = 2**20


@dataclass(frozen=True, slots=True)
class TreebankSplit:
    """Sentences of treebanks to learn, and to score on.

    Learnt are those of the train files, then those of dev files, of which three quarters or none
    are, then those of treebanks without punctuation once more, resegmented, and copies in other
    letters.
    """

    learnt: list[LabelledSentence]
    held_out: list[LabelledSentence]
    is_trained_on_dev: bool = False


def read_split(
    directory: Path,
    *,
    train_on_dev: bool = False,
    only: Collection[str] = (),
    hold_out_tenth: bool = False,
    score_held_out: bool = False,
) -> TreebankSplit:
    """Reads the sentences of treebanks, all if `only` names none, to train on and to hold out.

    Three quarters of a dev file are learnt with `train_on_dev`, or where the train file is known to
    be faulty. `hold_out_tenth` holds out every tenth sentence of train files without a dev file;
    `score_held_out` scores what training on dev files holds out, even if they are not learnt.

    Raises:
        InputNotFoundError: There is no train file.
    """
    have_dev = {treebank_name(path) for path in directory.rglob("*-dev.conllu*")}
    learnt: list[LabelledSentence] = []
    held_out: list[LabelledSentence] = []
    tenth: list[LabelledSentence] = []
    for name, index, sentence in _sentences(directory, "train", only):
        is_tenth = hold_out_tenth and name not in have_dev and index % 10 == 9
        (tenth if is_tenth else learnt).append(sentence)
    for name, index, sentence in _sentences(directory, "dev", only):
        if is_trained_on(name, index, train_on_dev=train_on_dev):
            learnt.append(sentence)
        if not is_trained_on(name, index, train_on_dev=train_on_dev or score_held_out):
            held_out.append(sentence)
    learnt += resegment_unpunctuated(learnt, seed=_RESEGMENTATION_SEED)
    learnt += list(in_other_letters(learnt))
    return TreebankSplit(learnt, held_out + tenth, train_on_dev)


def is_trained_on(treebank: str, index: int, *, train_on_dev: bool) -> bool:
    """Whether the sentence at a place of a dev file is trained on, not held out."""
    takes_part = train_on_dev or not facts_of(treebank).has_train_feats
    return takes_part and index // _BLOCK_SENTENCES % _BLOCKS != _BLOCKS - 1


def training_feats(sentence: LabelledSentence) -> tuple[str | None, ...]:
    """The FEATS to train on, those of train files repaired; None where one is not to be learnt."""
    if sentence.part != "train":
        return sentence.feats
    facts = facts_of(sentence.treebank)
    if not facts.has_train_feats:
        return (None,) * len(sentence.feats)
    return tuple(
        None if labels in facts.unlabelled_feats else _replaced(labels[1], facts)
        for labels in zip(sentence.upos, sentence.feats, strict=True)
    )


def training_rules(sentence: LabelledSentence) -> list[str | None]:
    """The lemma rule of each token; None where its lemma is not to be learnt."""
    language = treebank_language(sentence.treebank)
    columns = zip(sentence.forms, sentence.lemmas, sentence.upos, strict=True)
    return [_rule(form, lemma, upos, language) for form, lemma, upos in columns]


def write_held_out_dev(treebanks: Path, directory: Path, *, train_on_dev: bool) -> list[str]:
    """Writes the dev sentences that a model was not trained on as CoNLL-U files, to score it on.

    Beside each is an empty train file, by which scoring knows that the treebank has training data.
    Returns the files, sorted by name.
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


def _sentences(
    directory: Path, part: str, only: Collection[str]
) -> Iterator[tuple[str, int, LabelledSentence]]:
    for path in treebank_files(directory, part, is_required=part == "train"):
        if not only or treebank_name(path) in only:
            for index, sentence in enumerate(read_treebank(path)):
                yield sentence.treebank, index, _as_read(sentence)


def _as_read(sentence: LabelledSentence) -> LabelledSentence:
    # The tagger reads words in the letters of treebanks, and makes lemmas of them.
    language = treebank_language(sentence.treebank)
    forms, lemmas = (
        tuple(usual_letters(column, language, text=" ".join(column)))
        for column in (sentence.forms, sentence.lemmas)
    )
    return replace(sentence, forms=forms, lemmas=lemmas)


@lru_cache(_N_CACHED)
def _rule(form: str, lemma: str, upos: str, language: str) -> str | None:
    cleaned = clean_lemma(form, lemma, upos, language)
    return None if cleaned is None else lemma_rule(form, cleaned)


def _replaced(feats: str, facts: TreebankFacts) -> str:
    for wrong, right in facts.replaced_feats:
        feats = feats.replace(wrong, right)
    return feats


def resegment_unpunctuated(
    sentences: Sequence[LabelledSentence], *, seed: int
) -> list[LabelledSentence]:
    """Cuts the tokens of treebanks without punctuation into other sentences, of 6 to 50 tokens.

    Those of one treebank and part have to be next to each other; the last may be shorter.
    """
    generator = random.Random(seed)
    resegmented: list[LabelledSentence] = []
    for _, group in groupby(sentences, key=lambda sentence: (sentence.treebank, sentence.part)):
        whole = list(group)
        n_ended = sum("PUNCT" in sentence.upos[-_CLOSING_TOKENS:] for sentence in whole)
        if n_ended < _PUNCTUATED_SHARE * len(whole):
            resegmented += _resegment(whole, generator)
    return resegmented


def _resegment(
    whole: Sequence[LabelledSentence], generator: random.Random
) -> Iterator[LabelledSentence]:
    forms, upos, feats, lemmas = (
        tuple(value for sentence in whole for value in getattr(sentence, column))
        for column in ("forms", "upos", "feats", "lemmas")
    )
    joined = LabelledSentence(whole[0].treebank, forms, upos, feats, whole[0].part, lemmas)
    start = 0
    while start < len(forms):
        chosen = slice(start, start + generator.randint(_SHORTEST, _LONGEST))
        yield joined.cut(chosen)
        start = chosen.stop
