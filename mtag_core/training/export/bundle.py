"""A trained student to the bundle that tagging loads: int8, checked, with a model card.

The int8 graph rounds activations to 256 steps between fixed bounds, which are found on real
sentences. The bounds leave out the most extreme values: a few pieces (such as [CLS]) have
activations thirty times larger than all others, and steps wide enough for them would be too coarse
for the rest.
"""

import json
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import islice, product
from pathlib import Path

import numpy as np
import onnxruntime

from mtag_core.errors import OutputError
from mtag_core.evaluation.summary import averages
from mtag_core.evaluation.treebanks import EvaluationOptions, TreebankResult, evaluate_treebanks
from mtag_core.labels import UPOS_LABELS, Labels, group_by_upos
from mtag_core.tagging.bundle import MODEL_CARD, write_manifest
from mtag_core.tagging.tagger import Tagger
from mtag_core.tagging.wordpiece import WordPiece
from mtag_core.training.data.train_dev_split import (
    read_training_sentences,
    training_feats,
    write_held_out_dev,
)
from mtag_core.training.data.treebanks import read_treebank, treebank_files
from mtag_core.training.export.model_card import ModelCardFacts, format_model_card
from mtag_core.training.graphs.quantised_graph import OBSERVED, Range
from mtag_core.training.graphs.student_graph import build_student_graph
from mtag_core.training.graphs.trained_model import TrainedModel, read_trained_model
from mtag_core.training.options import ExportOptions

_CALIBRATION_SENTENCES_A_TREEBANK = 12
# One value in ten thousand is clipped at either end. On dev this scored highest of 99.99, 99.999
# and 100 percent and of the bounds with the least squared error.
_CLIPPED_PERCENT = 0.01
# Every seventh value is kept: enough for the bounds, in a seventh of the memory. Seven shares
# no factor with the layers' widths, so that all units are seen.
_STRIDE = 7


def run(options: ExportOptions) -> str:
    """Runs `export`."""
    card = export(options)
    return f"{card.parent}: a bundle; its model card is {card}"


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
    is_trained_on_dev = trained.config.get("is_trained_on_dev", False)
    with tempfile.TemporaryDirectory() as temporary:
        # A model that was trained on dev files is scored on what is left of them.
        dev = write_held_out_dev(options.treebanks, Path(temporary), train_on_dev=is_trained_on_dev)
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
                "dev, treebank told": _score(options, options.output, dev, gold_treebank=True),
                "test, treebank told": _score(options, options.output, test, gold_treebank=True),
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
    write_manifest(options.output, scores=_macro(scores), is_trained_on_dev=is_trained_on_dev)
    return card


def observe_ranges(
    graph: bytes, sentences: Iterable[tuple[Sequence[str], int]], wordpiece: WordPiece
) -> dict[str, Range]:
    """Runs a float32 graph and finds the range of what each layer reads.

    Args:
        graph: From `build_student_graph(..., has_observed=True)`.
        sentences: The forms of each and the number of its treebank, 0 where the graph knows none;
            a thousand sentences are enough. Each is read with its treebank and without.
        wordpiece: The model's tokenizer.

    Returns:
        By the name of the layer that reads the activation.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    has_treebanks = any(value.name == "treebank" for value in session.get_inputs())
    names = [out.name for out in session.get_outputs() if out.name.startswith(OBSERVED)]
    name_to_values: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for forms, treebank in sentences:
        for window, number in product(wordpiece.encode(forms), sorted({0, treebank})):
            feed = {
                "piece_ids": np.array([window.piece_ids]),
                "first_piece_index": np.array(window.first),
                "last_piece_index": np.array(window.last),
            }
            if has_treebanks:
                feed["treebank"] = np.array(number)
            for name, values in zip(names, session.run(names, feed), strict=True):
                name_to_values[name].append(values[::_STRIDE])
    percents = (_CLIPPED_PERCENT, 100 - _CLIPPED_PERCENT)
    return {
        name.removeprefix(OBSERVED): Range(*np.percentile(np.concatenate(values), percents))
        for name, values in name_to_values.items()
    }


def _labels(trained: TrainedModel, treebanks: Path) -> Labels:
    # Dev files know bundles that train files, samples or projections, lack.
    pairs = (
        (upos, feats)
        for sentence in read_training_sentences(treebanks, train_on_dev=True)
        for upos, feats in zip(sentence.upos, training_feats(sentence), strict=True)
        if feats is not None
    )
    treebanks_known = trained.conventions.treebanks if trained.conventions else ()
    feats_of_upos = group_by_upos(pairs, trained.feats)
    return Labels(UPOS_LABELS, trained.feats, feats_of_upos, treebanks_known)


def _graphs(trained: TrainedModel, labels: Labels, options: ExportOptions) -> tuple[bytes, bytes]:
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
    options: ExportOptions, bundle: Path, paths: list[str], *, gold_treebank: bool = False
) -> list[TreebankResult]:
    return evaluate_treebanks(
        paths,
        partial(Tagger.load, str(bundle)),
        options=EvaluationOptions(gold_treebank=gold_treebank),
        n_workers=options.n_workers,
    )


def _files(treebanks: Path, part: str) -> list[str]:
    return sorted(
        str(path) for suffix in ("", ".xz") for path in treebanks.rglob(f"*-{part}.conllu{suffix}")
    )


def _macro(scores: dict[str, list[TreebankResult]]) -> dict[str, dict[str, float]]:
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
