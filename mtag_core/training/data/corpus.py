"""Treebanks with all labels, as arrays: what teachers and students learn from.

Reading treebanks and making lemma rules of them takes minutes, so it is done once. A directory
holds

    treebanks.npz     form ids and label ids of train and dev sentences
    inventories.json  treebanks, FEATS, lemma rules, and what goes with which part of speech
    forms.txt.xz      all forms, a line each, in the order of their ids
"""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtag_core.errors import InputNotFoundError, LabelError
from mtag_core.labels import UPOS_LABELS
from mtag_core.lemmas import rule_inventory
from mtag_core.storage import create_text, open_text
from mtag_core.training.data.datasets import SourcedWords, WordSentences, cut_long
from mtag_core.training.data.train_dev_split import (
    TreebankSplit,
    read_split,
    training_feats,
    training_rules,
)
from mtag_core.training.data.treebanks import (
    NOT_IN_INVENTORY,
    UNLABELLED,
    LabelledSentence,
    feats_inventory,
    treebanks_with,
)
from mtag_core.training.options import CorpusOptions

_LOGGER = logging.getLogger(__name__)


def run(options: CorpusOptions) -> str:
    """Runs `train corpus`.

    Raises:
        InputNotFoundError: There is no treebank, or none with such a licence.
    """
    only = treebanks_with(options.licences, options.treebanks)
    feats = json.loads(options.feats.read_text(encoding="utf-8")) if options.feats else ()
    split = read_split(options.treebanks, train_on_dev=options.train_on_dev, only=only)
    corpus = TreebankCorpus.of(split, feats=feats)
    corpus.save(options.output)
    n_treebanks, n_tokens = len(corpus.train.sources), len(corpus.train.words.form_ids)
    return f"{n_treebanks} treebanks, {n_tokens} tokens to learn  {options.output}"


@dataclass(frozen=True)
class TreebankCorpus:
    """Treebanks as arrays; FEATS bundles and lemma rules are in label order."""

    forms: tuple[str, ...]
    feats: tuple[str, ...]
    lemma_rules: tuple[str, ...]
    train: SourcedWords
    dev: SourcedWords
    is_trained_on_dev: bool

    @classmethod
    def of(
        cls, split: TreebankSplit, *, feats: Sequence[str] = (), lemma_rules: Sequence[str] = ()
    ) -> "TreebankCorpus":
        """Makes arrays; the labels are those of the train files where no inventories are given.

        Raises:
            LabelError: A treebank has a tag that is none of UPOS.
        """
        train, dev = (
            [part for each in whole for part in map(each.cut, cut_long(len(each.forms)))]
            for whole in (split.learnt, split.held_out)
        )
        rules = list(map(training_rules, train))
        known = (rule for own in rules for rule in own if rule is not None)
        feats = tuple(feats or _whole_eights(feats_inventory(train)))
        lemma_rules = tuple(lemma_rules or _whole_eights(rule_inventory(known)))
        names = tuple(sorted({sentence.treebank for sentence in train}))
        form_to_id: dict[str, int] = {}
        dataset = partial(_dataset, feats, lemma_rules, names, form_to_id)
        train_set = dataset(train, rules, unknown_rule=UNLABELLED)
        dev = [sentence for sentence in dev if sentence.treebank in names]
        dev_set = dataset(dev, map(training_rules, dev), unknown_rule=NOT_IN_INVENTORY)
        sizes = (len(train), len(dev), len(feats), len(lemma_rules))
        _LOGGER.info("%d train and %d dev sentences, %d FEATS, %d lemma rules", *sizes)
        sets = (train_set, dev_set)
        return cls(tuple(form_to_id), feats, lemma_rules, *sets, split.is_trained_on_dev)

    def save(self, directory: Path) -> None:
        """Writes the corpus."""
        directory.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, Any] = {
            f"{part}_{name}": value
            for part, dataset in (("train", self.train), ("dev", self.dev))
            for name, value in _arrays(dataset).items()
        }
        np.savez_compressed(directory / "treebanks.npz", **arrays)
        value = {
            "treebanks": self.train.sources,
            "feats": self.feats,
            "lemma_rules": self.lemma_rules,
            "is_trained_on_dev": self.is_trained_on_dev,
        }
        (directory / "inventories.json").write_text(json.dumps(value), encoding="utf-8")
        write_forms(directory / "forms.txt.xz", self.forms)

    @classmethod
    def load(cls, directory: Path) -> "TreebankCorpus":
        """Reads what `save` wrote.

        Raises:
            InputNotFoundError: There is nothing.
        """
        try:
            value = json.loads((directory / "inventories.json").read_text(encoding="utf-8"))
            with np.load(directory / "treebanks.npz") as arrays:
                read = partial(_from_arrays, arrays, tuple(value["treebanks"]))
                train, dev = map(read, ("train", "dev"))
            forms = read_forms(directory / "forms.txt.xz")
        except FileNotFoundError as error:
            raise InputNotFoundError(f"{directory}: no corpus; stage `corpus` makes one") from error
        labels = (tuple(value["feats"]), tuple(value["lemma_rules"]))
        return cls(forms, *labels, train, dev, value["is_trained_on_dev"])


def write_forms(path: Path, forms: Sequence[str]) -> None:
    """Writes forms, a line each."""
    with create_text(path) as lines:
        lines.writelines(f"{form}\n" for form in forms)


def read_forms(path: Path) -> tuple[str, ...]:
    """Reads what `write_forms` wrote."""
    with open_text(path, newline="\n") as lines:
        return tuple(lines.read().split("\n")[:-1])


def _whole_eights(labels: Sequence[str]) -> Sequence[str]:
    # Matrix products with a multiple of eight are twice as fast on a GPU.
    return labels[: len(labels) // 8 * 8 or len(labels)]


def _dataset(
    feats: tuple[str, ...],
    lemma_rules: tuple[str, ...],
    treebanks: tuple[str, ...],
    form_to_id: dict[str, int],
    sentences: list[LabelledSentence],
    rules: Iterable[list[str | None]],
    *,
    unknown_rule: int,
) -> SourcedWords:
    for sentence in sentences:
        if unknown := set(sentence.upos).difference(UPOS_LABELS):
            raise LabelError(f"{sentence.treebank}: {unknown.pop()!r} is no UPOS tag")
    labels = {
        "upos": _ids((sentence.upos for sentence in sentences), UPOS_LABELS),
        "feats": _ids(map(training_feats, sentences), feats),
        "lemmas": _ids(rules, lemma_rules, unknown=unknown_rule),
    }
    return SourcedWords(
        WordSentences.of((sentence.forms for sentence in sentences), form_to_id),
        treebanks,
        np.array([treebanks.index(sentence.treebank) for sentence in sentences], np.int64),
        np.array([sentence.part == "train" for sentence in sentences], bool),
        labels,
    )


def _ids(
    of_sentences: Iterable[Sequence[str | None]], known: Sequence[str], *, unknown: int = UNLABELLED
) -> NDArray[np.int64]:
    # None is not to be learnt.
    ids: dict[str | None, int] = {None: UNLABELLED, **{tag: i for i, tag in enumerate(known)}}
    return np.array([ids.get(tag, unknown) for tag in chain.from_iterable(of_sentences)], np.int64)


# Head to the name of its labels in files.
_HEADS = {"upos": "upos_ids", "feats": "feats_ids", "lemmas": "lemma_ids"}


def _arrays(dataset: SourcedWords) -> dict[str, NDArray[Any]]:
    return {
        "form_ids": dataset.words.form_ids,
        "n_tokens": dataset.words.n_tokens,
        "is_train": dataset.origins,
        "treebank_ids": dataset.source_ids.astype(np.int16),
        **{name: dataset.labels[head].astype(np.int16) for head, name in _HEADS.items()},
    }


def _from_arrays(
    arrays: Mapping[str, NDArray[Any]], treebanks: tuple[str, ...], part: str
) -> SourcedWords:
    return SourcedWords(
        WordSentences(arrays[f"{part}_form_ids"], arrays[f"{part}_n_tokens"]),
        treebanks,
        arrays[f"{part}_treebank_ids"].astype(np.int64),
        arrays[f"{part}_is_train"],
        {head: arrays[f"{part}_{name}"].astype(np.int64) for head, name in _HEADS.items()},
    )
