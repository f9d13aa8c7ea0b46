"""Scores a system on treebanks and keeps the scores as facts in `docs/results/`.

python -m benchmarks paper.score student --treebanks 'data/ud/*/*-test.conllu.xz' --raw
python -m benchmarks paper.score student --treebanks ... --raw --segmenter treebank
python -m benchmarks paper.score udpipe --models DIR --treebanks ...
python -m benchmarks paper.score encoder_multilingual --models DIR --device cuda --treebanks ...
python -m benchmarks paper.student --data data [--workers 2]
"""

import argparse
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.baselines.udpipe import UdpipeTagger
from benchmarks.harness import shown_command
from benchmarks.paper.facts import write_facts
from mtag_core.cli.logs import start_logging
from mtag_core.evaluation.treebanks import (
    SEGMENTERS,
    EvaluationOptions,
    SegmenterChoice,
    TreebankResult,
    TreebankTagger,
    evaluate_file,
    evaluate_treebanks,
    load_tagger,
)
from mtag_core.langid import LanguageIdentifier
from mtag_core.options import Flags
from mtag_core.segmentation import Segmenter
from mtag_core.storage import list_files
from mtag_core.tagging.bundle import DEFAULT_BUNDLE
from mtag_core.tagging.tagged import TaggedSentence, unscored
from mtag_core.treebank_style import MIXED

_RAW_MODES: dict[SegmenterChoice | None, str] = {
    "identified": "raw",
    "language": "raw-known",
    "treebank": "raw-treebank",
}
"""Whose segmenter cuts raw text, to what the names of facts say of it."""

_FLAGS = Flags(EvaluationOptions)


def main(argv: list[str] | None = None) -> int:
    """Scores and writes."""
    args = _parser().parse_args(argv)
    start_logging()
    options = _FLAGS.parse(args).checked()
    paths = [info.path for info in list_files(args.treebanks)]
    if args.system == "student":
        load = partial(load_tagger, str(args.bundle), () if args.default_style else (MIXED,))
        results = evaluate_treebanks(paths, load, options=options, n_workers=args.workers)
    else:
        results = _score_baseline(args, paths, options)
    command = shown_command("paper.score", argv)
    print(write_facts(args.name or _name(args, options), results, command=command))
    return 0


def score_student(argv: list[str] | None = None) -> int:
    """Scores the bundle in every setting that the tables show, then writes tables and figures.

    Settings: gold tokens; raw text with the language identified, with the language given, and cut
    by the treebank's segmenter; both in the default style and with the treebank told; code-mixed
    text with and without the second-best label in place of X.
    """
    parser = argparse.ArgumentParser(description="Scores the bundle for all tables.")
    parser.add_argument("--data", type=Path, required=True, help="folder with ud and codeswitch")
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE)
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args(argv)
    common = ["student", "--bundle", str(args.bundle), "--workers", str(args.workers)]
    treebanks = ["--treebanks", f"{args.data}/ud/*/*-test.conllu.xz"]
    mixed = ["--treebanks", f"{args.data}/codeswitch/*-test.conllu.xz"]
    main([*common, *treebanks])
    main([*common, *treebanks, "--document_sentences", "10"])
    for segmenter in SEGMENTERS:
        main([*common, *treebanks, "--raw", "--segmenter", segmenter])
    for style in ("--default_style", "--gold_treebank"):
        main([*common, *treebanks, style])
        main([*common, *treebanks, "--raw", style])
    if args.bundle == DEFAULT_BUNDLE:
        free = ["student", "--bundle", "free", "--workers", str(args.workers), *treebanks]
        main([*free, "--name", "student-free-gold"])
        main([*free, "--raw", "--name", "student-free-raw"])
    main([*common, *mixed, "--name", "student-codemixed"])
    main([*common, *mixed, "--replace_x", "--name", "student-codemixed-x"])
    _write_all(args.bundle)
    return 0


def _write_all(bundle: Path) -> None:
    # Here, since counting parameters needs another package.
    from benchmarks import sizes
    from benchmarks.paper import figures, tables

    sizes.main(["--bundle", str(bundle)])
    figures.main()
    tables.main([])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Scores a system and keeps the scores.")
    parser.add_argument("system", choices=("student", *BASELINES))
    parser.add_argument("--treebanks", action="append", required=True, help="pattern; repeatable")
    parser.add_argument(
        "--models", type=Path, help="folder of a baseline's models, or the one of all"
    )
    parser.add_argument("--model", help="treebank whose model tags all; default: each its own")
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE)
    parser.add_argument("--device", default="cpu", help="torch device of a baseline; default: cpu")
    _FLAGS.add_to(parser)
    parser.add_argument(
        "--default_style",
        action="store_true",
        help="the styles that the bundle names for languages; default: mixed, by document",
    )
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--name", help="of the file in docs/results; default: system and mode")
    return parser


def _name(args: argparse.Namespace, options: EvaluationOptions) -> str:
    mode = _RAW_MODES[options.segmenter] if options.raw else "gold"
    suffix = ("-x" if options.replace_x else "") + ("-told" if options.gold_treebank else "")
    suffix += "-style" if args.default_style else ""
    suffix += f"-by-{n}" if (n := options.document_sentences) else ""
    suffix += "-written" if options.lemmas_as_written else ""
    return f"{args.system}-{mode}{suffix}"


def _score_baseline(
    args: argparse.Namespace, paths: list[str], options: EvaluationOptions
) -> list[TreebankResult]:
    segmenter = bundle_segmenter(args.bundle) if args.raw else None
    results = []
    for path in paths:
        treebank = Path(path).name.partition("-ud-")[0]
        try:
            tagger = load_system(
                args.system,
                models=args.models,
                treebank=args.model or treebank,
                segmenter=segmenter,
                device=args.device,
            )
        except FileNotFoundError as error:
            logging.info("left out: %s", error)
            continue
        results.append(evaluate_file(path, tagger, options))
    return results


if TYPE_CHECKING:
    from benchmarks.baselines.meta_lstm.training import MetaLstmTagger
    from mtag_core.training.logits.trained_teacher import TrainedTeacher

BASELINES = ("udpipe", "meta_lstm", "meta_lstm_multilingual", "encoder", "encoder_multilingual")
"""What `load_system` loads."""


_Sentences = Iterable[Sequence[str]]
_TagTokens = Callable[[_Sentences], Iterable[TaggedSentence]]


class SegmentingTagger:
    """Gives a tagger of tokens the segmenters of a bundle."""

    def __init__(self, tag_tokens: _TagTokens, segmenter: Segmenter | None) -> None:
        self._tag_tokens, self._segmenter = tag_tokens, segmenter

    def tag_tokens(
        self, sentences: _Sentences, *, language: str | None = None
    ) -> Iterable[TaggedSentence]:
        """Tags pre-tokenised sentences; a model of one treebank need not know the language."""
        return self._tag_tokens(sentences)

    def tag(
        self, text: str, *, language: str | None = None, segmented_as: str | None = None
    ) -> list[TaggedSentence]:
        """Segments a text, as a treebank where one is named, and tags it.

        Raises:
            ValueError: There is no segmenter.
        """
        if self._segmenter is None:
            raise ValueError("raw text needs a segmenter; this tagger was made without")
        treebanks = () if segmented_as is None else (segmented_as,)
        sentences = list(self._segmenter.following(treebanks).segment(text, language))
        tagged = self._tag_tokens([sentence.forms for sentence in sentences])
        return [
            replace(tags, sentence=sentence)
            for sentence, tags in zip(sentences, tagged, strict=True)
        ]


class EncoderTagger(SegmentingTagger):
    """An encoder, which can be told a treebank that it knows, and then follows it always."""

    def __init__(
        self,
        teacher: "TrainedTeacher",
        segmenter: Segmenter | None,
        *,
        treebanks: Sequence[str] = (),
        told: str | None = None,
    ) -> None:
        super().__init__(self._labels, segmenter)
        self._teacher, self.treebanks, self._told = teacher, treebanks, told

    def following(self, treebank_style: Sequence[str]) -> "EncoderTagger":
        """The same encoder, told one treebank, whatever language a sentence is found to be of."""
        (told,) = treebank_style
        return EncoderTagger(self._teacher, self._segmenter, treebanks=self.treebanks, told=told)

    def _labels(self, sentences: _Sentences) -> list[TaggedSentence]:
        # All in one call: that is what a GPU is fast at.
        forms = [tuple(sentence) for sentence in sentences]
        labels = self._teacher.best_labels(forms, treebank=self._told)
        return [unscored(own, *columns) for own, columns in zip(forms, labels, strict=True)]


def bundle_segmenter(bundle: Path) -> Segmenter:
    """Opens a bundle's segmenters."""
    return Segmenter.load(
        bundle / "segmenters", LanguageIdentifier.load(str(bundle / "langid.ftz"))
    )


def load_system(
    name: str, *, models: Path, treebank: str, segmenter: Segmenter | None, device: str = "cpu"
) -> TreebankTagger:
    """Loads a baseline of `BASELINES`; one that is not multilingual has a model a treebank.

    A segmenter is for raw text; the device is torch's, such as `cuda`.

    Raises:
        FileNotFoundError: There is no model for the treebank.
    """
    if name == "udpipe":
        return SegmentingTagger(UdpipeTagger(models / f"{treebank}.udpipe").tag_tokens, segmenter)
    directory = models if name.endswith("_multilingual") else models / treebank
    if not (directory / "model.safetensors").exists():
        raise FileNotFoundError(f"{directory}: no trained model")
    if name.startswith("meta_lstm"):
        return SegmentingTagger(_meta_lstm(directory, device).tag_tokens, segmenter)
    teacher = _encoder(directory, device)
    treebanks = teacher.treebanks if name == "encoder_multilingual" else ()
    return EncoderTagger(teacher, segmenter, treebanks=treebanks)


# The last model is kept, since a multilingual one is asked for once a treebank. What needs torch
# is imported only when asked for.
@lru_cache(maxsize=1)
def _meta_lstm(directory: Path, device: str) -> "MetaLstmTagger":
    from benchmarks.baselines.meta_lstm.training import MetaLstmTagger

    return MetaLstmTagger.load(directory, device)


@lru_cache(maxsize=1)
def _encoder(directory: Path, device: str) -> "TrainedTeacher":
    from mtag_core.training.logits.trained_teacher import TrainedTeacher

    return TrainedTeacher(directory, device=device)
