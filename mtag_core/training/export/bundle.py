"""A trained student to the bundle that tagging loads: int8, checked, with a model card."""

import json
import shutil
import tempfile
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from mtag_core.errors import OutputError
from mtag_core.evaluation.summary import averages
from mtag_core.evaluation.treebanks import EvaluationOptions, TreebankResult, evaluate_treebanks
from mtag_core.labels import UPOS_LABELS, Labels, group_by_upos
from mtag_core.tagging.bundle import DEFAULT_BUNDLE, MODEL_CARD, write_manifest
from mtag_core.tagging.tagger import Tagger
from mtag_core.tagging.wordpiece import WordPiece
from mtag_core.training.data.taught import read_training_sentences, taught_feats
from mtag_core.training.data.treebanks import read_treebank, treebank_files
from mtag_core.training.data.unlearnt_dev import write_unlearnt_dev
from mtag_core.training.export.model_card import ModelCardFacts, format_model_card
from mtag_core.training.graphs.calibration import observe_ranges
from mtag_core.training.graphs.student_graph import build_student_graph
from mtag_core.training.graphs.trained_model import TrainedModel, read_trained_model

_CALIBRATION_SENTENCES_A_TREEBANK = 12


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What goes into a bundle.

    Attributes:
        model: A trained model directory (see `mtag_core.training.networks.model_files`).
        treebanks: Directory of UD treebanks with train and dev files, perhaps test files and an
            `INDEX.tsv` that names licences. They calibrate, score, and tell which FEATS go with
            which UPOS.
        output: The bundle to write; missing or empty.
        segmenters: Directory of segmenters.
        langid: A fastText model.
        notes: Markdown on how the model was trained, for the model card; None for none.
        n_workers: Processes that score.
    """

    model: Path
    treebanks: Path
    output: Path
    segmenters: Path = DEFAULT_BUNDLE / "segmenters"
    langid: Path = DEFAULT_BUNDLE / "langid.ftz"
    notes: Path | None = None
    n_workers: int = 1


def export(options: ExportOptions) -> Path:
    """Exports a student, scores it on dev in float32 and int8 and on test, writes the bundle.

    Returns:
        The model card's path.

    Raises:
        CheckpointError: The model directory is damaged or no student.
        InputNotFoundError: There are no treebanks.
        OutputError: The output directory holds something.
    """
    if options.output.exists() and any(options.output.iterdir()):
        raise OutputError(f"{options.output}: holds files, expected an empty or missing directory")
    trained = read_trained_model(options.model)
    labels = _labels(trained, options.treebanks)
    reference, quantised = _graphs(trained, labels, options)
    _write_files(options.output, quantised, labels, trained=trained, options=options)
    with tempfile.TemporaryDirectory() as temporary:
        # A model that has learnt from dev files is scored on what is left of them.
        has_learnt_dev = trained.config.get("has_learnt_dev", False)
        dev = write_unlearnt_dev(options.treebanks, Path(temporary), has_dev=has_learnt_dev)
        exact = Path(temporary) / "float32"
        _write_files(exact, reference, labels, trained=trained, options=options)
        scores = {
            "dev": _score(options, options.output, dev),
            "test": _score(options, options.output, _files(options.treebanks, "test")),
            "dev, float32": _score(options, exact, dev),
        }
        if labels.treebanks:
            test = _files(options.treebanks, "test")
            scores |= {
                "dev, treebank told": _score(options, options.output, dev, is_told=True),
                "test, treebank told": _score(options, options.output, test, is_told=True),
            }
    facts = ModelCardFacts(
        config=trained.config,
        n_feats=len(labels.feats),
        part_to_results=scores,
        treebanks=options.treebanks,
        notes=options.notes.read_text(encoding="utf-8") if options.notes else "",
    )
    card = options.output / MODEL_CARD
    card.write_text(format_model_card(facts), encoding="utf-8")
    write_manifest(options.output, scores=_macro(scores))
    return card


def _labels(trained: TrainedModel, treebanks: Path) -> Labels:
    """The inventories; the treebanks tell which FEATS go with which part of speech."""
    # Dev files know bundles that train files, samples or projections, lack.
    pairs = (
        (upos, feats)
        for sentence in read_training_sentences(treebanks, has_dev=True)
        for upos, feats in zip(sentence.upos, taught_feats(sentence), strict=True)
        if feats is not None
    )
    treebanks_known = trained.conventions.treebanks if trained.conventions else ()
    feats_of_upos = group_by_upos(pairs, trained.feats)
    return Labels(UPOS_LABELS, trained.feats, feats_of_upos, treebanks_known)


def _graphs(trained: TrainedModel, labels: Labels, options: ExportOptions) -> tuple[bytes, bytes]:
    """The float32 and the int8 graph."""
    build = partial(
        build_student_graph,
        trained.weights,
        trained.shape,
        labels,
        conventions=trained.conventions,
    )
    sentences = (
        (sentence.forms, _number(sentence.treebank, labels))
        for path in treebank_files(options.treebanks, "train")
        for sentence in islice(read_treebank(path), _CALIBRATION_SENTENCES_A_TREEBANK)
    )
    wordpiece = WordPiece.load(options.model / "tokenizer.json")
    ranges = observe_ranges(build(has_observed=True), sentences, wordpiece)
    return build(), build(ranges=ranges)


def _number(treebank: str, labels: Labels) -> int:
    """A treebank's number in the graph, 0 if the model does not know it."""
    return 1 + labels.treebanks.index(treebank) if treebank in labels.treebanks else 0


def _write_files(
    directory: Path, graph: bytes, labels: Labels, *, trained: TrainedModel, options: ExportOptions
) -> None:
    """Writes a bundle without scores and model card."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "tagger.onnx").write_bytes(graph)
    (directory / "labels.json").write_text(labels.to_json(), encoding="utf-8")
    # Without the indentation that tokenizers writes it is a third smaller.
    tokenizer = json.dumps(json.loads(trained.tokenizer), ensure_ascii=False, separators=(",", ":"))
    (directory / "tokenizer.json").write_text(tokenizer + "\n", encoding="utf-8")
    shutil.copyfile(options.langid, directory / "langid.ftz")
    shutil.copytree(options.segmenters, directory / "segmenters", dirs_exist_ok=True)
    write_manifest(directory, scores={})


def _score(
    options: ExportOptions, bundle: Path, paths: list[str], *, is_told: bool = False
) -> list[TreebankResult]:
    """Scores a bundle from gold tokens."""
    return evaluate_treebanks(
        paths,
        partial(Tagger.load, str(bundle)),
        options=EvaluationOptions(is_told=is_told),
        n_workers=options.n_workers,
    )


def _files(treebanks: Path, part: str) -> list[str]:
    """The files of one part; may be none."""
    return sorted(
        str(path) for suffix in ("", ".xz") for path in treebanks.rglob(f"*-{part}.conllu{suffix}")
    )


def _macro(scores: dict[str, list[TreebankResult]]) -> dict[str, dict[str, float]]:
    """Averages over treebanks with training data, by part, in percent."""
    return {
        part: {
            name: round(value, 2)
            for name, value in averages([r for r in results if r.has_training_data])[
                0
            ].metric_to_f1.items()
            if name in ("UPOS", "UFeats", "FEATS")
        }
        for part, results in scores.items()
        if results
    }
