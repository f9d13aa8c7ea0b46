"""A trained student to the bundle that tagging loads: int8, checked, with a model card."""

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

from mtag_core.errors import BundleError, OutputError
from mtag_core.evaluation.treebanks import EvaluationOptions, TreebankResult, evaluate_treebanks
from mtag_core.labels import UPOS_LABELS, Labels, save_labels
from mtag_core.langid import WORDS_NAME
from mtag_core.lemma_tables import KnownLemmas, LemmaExceptions
from mtag_core.lemmas import KEEP
from mtag_core.tagging.bundle import MODEL_CARD, write_manifest
from mtag_core.tagging.forms import FormFeatures
from mtag_core.tagging.tagger import Tagger
from mtag_core.training.data.train_dev_split import (
    read_split,
    training_feats,
    training_rules,
    write_held_out_dev,
)
from mtag_core.training.data.treebanks import (
    LabelledSentence,
    read_treebank,
    treebank_files,
    treebank_name,
    treebanks_with,
)
from mtag_core.training.export.lemma_exceptions import (
    find_exceptions,
    find_known_lemmas,
    languages_without_gain,
)
from mtag_core.training.export.model_card import format_model_card, macro
from mtag_core.training.export.student_graph import word_graphs
from mtag_core.training.export.tagger_graph import Groups, LanguageLabels
from mtag_core.training.export.treebank_classifier import fit_classifier
from mtag_core.training.networks.trained_model import TrainedModel, read_student
from mtag_core.training.options import ExportOptions
from mtag_core.treebank_style import treebank_language

# What the manifest says of a part.
_METRICS = ("UPOS", "UFeats", "FEATS")
_CALIBRATION_SENTENCES_A_TREEBANK = 12
# A pair with a part of speech that occurs once is not scored. On dev that costs 0.01 points of
# FEATS and lemmas; leaving out those that occur less than three and four times costs 0.1.
_MIN_PAIRS = 2
# A language with fewer tokens has the labels of all: its treebanks lack many of its own.
_MIN_LANGUAGE_TOKENS = 20_000


def run(options: ExportOptions) -> str:
    """Runs `export`: scores a student on dev in float32 and int8 and on test, writes the bundle.

    Without scores it takes some minutes: it makes lemma rules of treebanks, and tags them to find
    forms whose lemma the student gets wrong.

    Raises:
        BundleError: There are no common words of languages.
        CheckpointError: The model directory is damaged or no student of words.
        InputNotFoundError: There are no treebanks.
        OutputError: The output directory holds something.
    """
    if options.output.exists() and any(options.output.iterdir()):
        raise OutputError(f"{options.output}: holds files, expected an empty or missing directory")
    export = _Export(options)
    reference, quantised = export.graphs()
    with tempfile.TemporaryDirectory() as temporary:
        export.find_tables(quantised, Path(temporary))
        scores = {}
        if not options.skip_scores:
            folder = Path(temporary)
            scores = export.scores(*(export.draft(each, folder) for each in (quantised, reference)))
    export.write(options.output, quantised)
    card = options.output / MODEL_CARD
    content = format_model_card(
        export.trained.config,
        export.labels,
        scores,
        treebanks=options.treebanks,
        learnt=export.names,
        notes=options.notes.read_text(encoding="utf-8") if options.notes else "",
    )
    card.write_text(content, encoding="utf-8")
    means = {
        part: {name: round(value, 2) for name, value in macro(own).items() if name in _METRICS}
        for part, own in scores.items()
        if own
    }
    write_manifest(options.output, scores=means, is_trained_on_dev=export.is_trained_on_dev)
    return f"{options.output}: a bundle; its model card is {card}"


class _Export:
    def __init__(self, options: ExportOptions) -> None:
        # `train segmenters` leaves them beside what segments, bundles a folder above.
        folders = (options.langid.parent, options.segmenters, options.segmenters.parent)
        found = [folder / WORDS_NAME for folder in folders if (folder / WORDS_NAME).is_file()]
        if not found:
            raise BundleError(
                f"{folders[0] / WORDS_NAME}: missing, and not beside the segmenters; "
                "`mtag train segmenters --text` makes it"
            )
        self._options, self._words = options, found[0]
        self.trained = read_student(options.model)
        self.is_trained_on_dev = self.trained.config.get("is_trained_on_dev", False)
        self.names = treebanks_with(options.licences, options.treebanks)
        # Dev files know labels that train files, samples or projections, lack.
        split = read_split(options.treebanks, train_on_dev=True, only=self.names)
        self._all_learnt = split.learnt
        feats, rules = _heads(self.trained)
        known = self.trained.from_bundle
        self.labels = Labels(
            UPOS_LABELS,
            self.trained.feats,
            feats.groups(split.learnt, known.feats_of_upos),
            tuple(self.trained.config["treebanks"]),
            self.trained.lemma_rules,
            rules.groups(split.learnt, known.lemma_rules_of_upos),
            self.trained.config.get("styles", {}),
        )

    def graphs(self) -> tuple[dict[str, bytes], dict[str, bytes]]:
        """The student's in float32 and in int8."""
        numbers = {name: number for number, name in enumerate(self.labels.treebanks, 1)}
        sentences = (
            (sentence.forms, numbers.get(sentence.treebank, 0))
            for path in treebank_files(self._options.treebanks, "train")
            if treebank_name(path) in self.names
            for sentence in islice(read_treebank(path), _CALIBRATION_SENTENCES_A_TREEBANK)
        )
        features = FormFeatures(self._options.model / "tokenizer.json")
        languages = _language_labels(self.labels, self._all_learnt)
        return word_graphs(self.trained, self.labels, sentences, features, languages=languages)

    def find_tables(self, graphs: Mapping[str, bytes], folder: Path) -> None:
        """Adds the classifier of treebanks, known lemmas and exceptions to the labels."""
        # Treebanks that are not at hand keep the tables of the bundle that the model began with.
        known, options = self.trained.from_bundle, self._options
        split = read_split(options.treebanks, train_on_dev=self.is_trained_on_dev, only=self.names)
        weights = known.classifier.treebank_to_weights
        classifier = fit_classifier(self.labels.treebanks, split.learnt, weights)
        self.labels = replace(self.labels, classifier=classifier)
        lemmas = find_known_lemmas(split.learnt)
        plain = Tagger.load(self.draft(graphs, folder))
        self.labels = replace(self.labels, known_lemmas=KnownLemmas.of(lemmas))
        knowing = Tagger.load(self.draft(graphs, folder))
        for language in languages_without_gain(plain, knowing, split.held_out):
            lemmas.pop(language, None)
        for language, codes in known.known_lemmas.language_to_codes.items():
            lemmas[language] = lemmas.get(language, set()).union(codes)
        self.labels = replace(self.labels, known_lemmas=KnownLemmas.of(lemmas))
        found: dict[str, Mapping[int, str]] = dict(
            zip(known.treebanks, known.exceptions.code_to_rule, strict=False)
        )
        # Exceptions are those of a student that prefers known lemmas.
        found |= find_exceptions(
            Tagger.load(self.draft(graphs, folder)),
            split,
            default_styles=set(self.labels.styles.values()),
            n_workers=options.n_workers,
        )
        exceptions = LemmaExceptions.of([found.get(name, {}) for name in self.labels.treebanks])
        self.labels = replace(self.labels, exceptions=exceptions)

    def scores(self, quantised: Path, exact: Path) -> dict[str, list[TreebankResult]]:
        """Those of bundles by part."""
        options = self._options
        with tempfile.TemporaryDirectory() as temporary:
            # A model that was trained on dev files is scored on what is left of them.
            dev = write_held_out_dev(
                options.treebanks, Path(temporary), train_on_dev=self.is_trained_on_dev
            )
            test = list(map(str, treebank_files(options.treebanks, "test", is_required=False)))
            parts = {
                "dev": (quantised, dev, False),
                "test": (quantised, test, False),
                "dev, float32": (exact, dev, False),
                "dev, treebank told": (quantised, dev, True),
                "test, treebank told": (quantised, test, True),
            }
            return {
                part: evaluate_treebanks(
                    paths,
                    partial(Tagger.load, str(bundle)),
                    options=EvaluationOptions(gold_treebank=is_told),
                    n_workers=options.n_workers,
                )
                for part, (bundle, paths, is_told) in parts.items()
            }

    def draft(self, graphs: Mapping[str, bytes], folder: Path) -> Path:
        """Writes a bundle without scores into a folder."""
        directory = Path(tempfile.mkdtemp(dir=folder))
        self.write(directory, graphs)
        write_manifest(directory, scores={})
        return directory

    def write(self, directory: Path, graphs: Mapping[str, bytes]) -> None:
        """Writes a bundle's files but the manifest."""
        directory.mkdir(parents=True, exist_ok=True)
        for name, graph in graphs.items():
            (directory / name).write_bytes(graph)
        # Without the indentation that tokenizers writes it is a third smaller.
        content = json.loads(self.trained.tokenizer)
        tokenizer = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        (directory / "tokenizer.json").write_text(tokenizer + "\n", encoding="utf-8")
        shutil.copyfile(self._options.langid, directory / "langid.ftz")
        shutil.copyfile(self._words, directory / WORDS_NAME)
        (directory / "segmenters").mkdir(exist_ok=True)
        for path in self._options.segmenters.glob("*.npz"):
            if path.name != WORDS_NAME:
                shutil.copyfile(path, directory / "segmenters" / path.name)
        save_labels(self.labels, directory)


@dataclass(frozen=True, slots=True)
class _Head:
    """Labels that are scored for some parts of speech alone."""

    tags: Sequence[str]
    tags_of: Callable[[LabelledSentence], Sequence[str | None]]
    of_all: str

    def pairs(self, sentences: Iterable[LabelledSentence]) -> Counter[tuple[str, str]]:
        """How often which part of speech occurs with which of them."""
        return Counter(
            (upos, tag)
            for sentence in sentences
            for upos, tag in zip(sentence.upos, self.tags_of(sentence), strict=True)
            if tag is not None
        )

    def groups(
        self, sentences: Iterable[LabelledSentence], known: Groups
    ) -> tuple[tuple[int, ...], ...]:
        """Those of each part of speech, and those that the bundle before had."""
        counts = self.pairs(sentences)
        # A label that occurs with none goes with all; what a bundle knew is as it was there.
        seen = set(self.tags) if known else {tag for _, tag in counts}
        min_count = 1 if known else _MIN_PAIRS
        always = known or [[self.tags.index(self.of_all)]] * len(UPOS_LABELS)
        return tuple(
            tuple(
                label
                for label, tag in enumerate(self.tags)
                if label in own or tag not in seen or counts[upos, tag] >= min_count
            )
            for upos, own in zip(UPOS_LABELS, map(set, always), strict=True)
        )

    def of_language(self, sentences: Iterable[LabelledSentence], groups: Groups) -> Groups:
        """Those of each part of speech that occur in sentences; at least one."""
        counts = self.pairs(sentences)
        return [
            [label for label in group if counts[upos, self.tags[label]]]
            or [self.tags.index(self.of_all)]
            for upos, group in zip(UPOS_LABELS, groups, strict=True)
        ]


def _heads(model: TrainedModel | Labels) -> tuple[_Head, _Head]:
    return (_Head(model.feats, training_feats, "_"), _Head(model.lemma_rules, training_rules, KEEP))


def _language_labels(
    labels: Labels, sentences: Sequence[LabelledSentence]
) -> LanguageLabels | None:
    by_language: dict[str, list[LabelledSentence]] = {}
    for sentence in sentences:
        by_language.setdefault(treebank_language(sentence.treebank), []).append(sentence)
    languages = [
        language
        for language, own in sorted(by_language.items())
        if sum(len(sentence.forms) for sentence in own) >= _MIN_LANGUAGE_TOKENS
    ]
    all_groups = (labels.feats_of_upos, labels.lemma_rules_of_upos)
    feats, rules = (
        [head.of_language(by_language[language], groups) for language in languages]
        for head, groups in zip(_heads(labels), all_groups, strict=True)
    )
    of_treebank = [
        languages.index(language) if language in languages else -1
        for language in map(treebank_language, labels.treebanks)
    ]
    return LanguageLabels(of_treebank, feats, rules) if languages else None
