"""Scores a system on treebanks and keeps the scores as facts in `docs/results/`.

python -m benchmarks paper.score student --treebanks 'data/ud/*/*-test.conllu.xz' --raw
python -m benchmarks paper.score student --treebanks ... --raw --segmenter treebank
python -m benchmarks paper.score udpipe --models DIR --treebanks ...
python -m benchmarks paper.score encoder_multilingual --models DIR --device cuda --treebanks ...
"""

import argparse
import logging
from functools import partial
from pathlib import Path

from benchmarks.harness import shown_command
from benchmarks.paper.facts import write_facts
from benchmarks.paper.systems import BASELINES, bundle_segmenter, load_system
from mtag_core.cli.logs import start_logging
from mtag_core.evaluation.treebanks import (
    EvaluationOptions,
    SegmenterChoice,
    TreebankResult,
    evaluate_file,
    evaluate_treebanks,
    load_tagger,
)
from mtag_core.options import Flags
from mtag_core.storage import list_files
from mtag_core.tagging.bundle import DEFAULT_BUNDLE
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
