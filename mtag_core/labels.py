"""The label inventories: which tag each of the model's classes stands for."""

import json
import lzma
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mtag_core.errors import BundleError, LabelError
from mtag_core.lemma_tables import (
    EXCEPTIONS,
    KNOWN_LEMMAS,
    NO_EXCEPTIONS,
    NO_KNOWN_LEMMAS,
    KnownLemmas,
    LemmaExceptions,
)
from mtag_core.treebank_style import NO_CLASSIFIER, TREEBANK_CLASSIFIER, Styles, TreebankClassifier

UPOS_LABELS: tuple[str, ...] = tuple(
    "ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X".split()
)
"""The 17 universal parts of speech in label order. Source: Universal Dependencies 2."""
LABELS = "labels.json.xz"
"""The file's name in a bundle."""


@dataclass(frozen=True, slots=True)
class Labels:
    """The inventories of one model.

    Attributes:
        upos: UPOS tags in label order.
        feats: FEATS bundles in label order.
        feats_of_upos: For each UPOS label, the ids of the FEATS bundles that occur with it,
            ascending. Only these are scored for a token of that part of speech.
        treebanks: Those whose conventions the model can follow, by their numbers from 1.
        lemma_rules: Rules in label order (`mtag_core.lemmas`); none where the model has no lemmas.
        lemma_rules_of_upos: As `feats_of_upos`, of the rules; empty without rules.
        styles: Code of a language to the treebank whose style its tags have by default.
        exceptions: Forms whose lemma rules are not the model's; they are in a file of their own.
        classifier: Chooses the treebank that a document follows, likewise.
        known_lemmas: Those of treebanks, in a file of their own, too.
    """

    upos: tuple[str, ...]
    feats: tuple[str, ...]
    feats_of_upos: tuple[tuple[int, ...], ...]
    treebanks: tuple[str, ...] = ()
    lemma_rules: tuple[str, ...] = ()
    lemma_rules_of_upos: tuple[tuple[int, ...], ...] = ()
    styles: Mapping[str, str] = field(default_factory=dict)
    exceptions: LemmaExceptions = field(default=NO_EXCEPTIONS, compare=False)
    classifier: TreebankClassifier = field(default=NO_CLASSIFIER, compare=False)
    known_lemmas: KnownLemmas = field(default=NO_KNOWN_LEMMAS, compare=False)

    def __post_init__(self) -> None:
        """Checks that the inventories fit each other.

        Raises:
            LabelError: They do not.
        """
        names = {"UPOS tag": self.upos, "FEATS bundle": self.feats, "lemma rule": self.lemma_rules}
        for name, tags in names.items():
            if len(set(tags)) != len(tags):
                twice = next(tag for index, tag in enumerate(tags) if tag in tags[:index])
                raise LabelError(f"{name} {twice!r} stands twice in the inventory")
        self._check_groups("FEATS", self.feats, self.feats_of_upos)
        if self.lemma_rules or self.lemma_rules_of_upos:
            self._check_groups("lemma rules", self.lemma_rules, self.lemma_rules_of_upos)
        for language, treebank in self.styles.items():
            if treebank not in self.treebanks:
                raise LabelError(f"style of {language}: {treebank!r}, expected a known treebank")

    def _check_groups(
        self, name: str, tags: Sequence[str], ids_of_upos: Sequence[Sequence[int]]
    ) -> None:
        if len(ids_of_upos) != len(self.upos):
            raise LabelError(
                f"{len(ids_of_upos)} lists of {name} for {len(self.upos)} UPOS tags, "
                "expected one a tag"
            )
        for upos, ids in zip(self.upos, ids_of_upos, strict=True):
            if not ids or not 0 <= min(ids) <= max(ids) < len(tags):
                raise LabelError(
                    f"{upos}: {name} ids {list(ids)[:3]}..., expected at least one, each from 0 to "
                    f"{len(tags) - 1}"
                )

    def followed(self, treebank_style: Sequence[str]) -> Styles:
        """The styles of a tagger with that option."""
        return Styles(
            treebank_style,
            treebanks=self.treebanks,
            default=self.styles,
            classifier=self.classifier,
        )

    def to_json(self) -> str:
        """The inventories as JSON text; `from_json` reads it."""
        value: dict[str, Any] = {
            "upos": self.upos,
            "feats": self.feats,
            "feats_of_upos": self.feats_of_upos,
            "treebanks": self.treebanks,
        }
        if self.lemma_rules:
            value["lemma_rules"] = self.lemma_rules
            value["lemma_rules_of_upos"] = self.lemma_rules_of_upos
        if self.styles:
            value["styles"] = dict(self.styles)
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Labels":
        """Reads what `to_json` wrote.

        Raises:
            LabelError: The text is something else.
        """
        try:
            value: Mapping[str, Any] = json.loads(text)
            return cls(
                upos=tuple(value["upos"]),
                feats=tuple(value["feats"]),
                feats_of_upos=tuple(tuple(ids) for ids in value["feats_of_upos"]),
                treebanks=tuple(value["treebanks"]),
                # Of bundles that know no lemmas or styles they are left out.
                lemma_rules=tuple(value.get("lemma_rules", ())),
                lemma_rules_of_upos=tuple(map(tuple, value.get("lemma_rules_of_upos", ()))),
                styles={**value.get("styles", {})},
            )
        except (AttributeError, KeyError, TypeError, json.JSONDecodeError) as error:
            raise LabelError(f"label inventories expected as JSON: {error!r}") from error


def save_labels(labels: Labels, bundle: Path) -> None:
    """Writes what `load_labels` reads into a directory that has none of it."""
    (bundle / LABELS).write_bytes(lzma.compress(labels.to_json().encode()))
    labels.classifier.save(bundle / TREEBANK_CLASSIFIER)
    if labels.exceptions:
        labels.exceptions.save(bundle / EXCEPTIONS)
    if labels.known_lemmas:
        labels.known_lemmas.save(bundle / KNOWN_LEMMAS)


def load_labels(bundle: Path) -> Labels:
    """Reads the inventories of a bundle's directory, with what has a file of its own.

    Raises:
        BundleError: A file is missing or something else.
    """
    path = bundle / LABELS
    try:
        labels = Labels.from_json(lzma.decompress(path.read_bytes()).decode())
    except (OSError, lzma.LZMAError, UnicodeDecodeError, LabelError) as error:
        raise BundleError(f"{path}: {error}") from error
    classifier = TreebankClassifier.load(bundle / TREEBANK_CLASSIFIER, treebanks=labels.treebanks)
    labels = replace(labels, classifier=classifier)
    # A model may have no exceptions, and treebanks no lemmas that it should prefer.
    if (path := bundle / EXCEPTIONS).exists():
        exceptions = LemmaExceptions.load(path, n_treebanks=len(labels.treebanks))
        labels = replace(labels, exceptions=exceptions)
    if (path := bundle / KNOWN_LEMMAS).exists():
        labels = replace(labels, known_lemmas=KnownLemmas.load(path))
    return labels
