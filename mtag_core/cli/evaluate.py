"""`evaluate`: scores CoNLL-U files, or the tagger itself, with the CoNLL 2018 metric."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial

from mtag_core.cli.logs import start_logging
from mtag_core.errors import UsageError
from mtag_core.evaluation.annotation import load_annotation
from mtag_core.evaluation.metrics import score
from mtag_core.evaluation.summary import FORMATS, format_results, format_scores
from mtag_core.evaluation.treebanks import EvaluationOptions, evaluate_treebanks, load_tagger
from mtag_core.options import Flags, group, option, positive
from mtag_core.storage import exists, join, list_files
from mtag_core.tagging.bundle import BUNDLE_HELP, MANIFEST, bundle_location
from mtag_core.treebank_style import split_names

_TAGGER_FLAGS = (
    *("bundle", "raw", "segmenter", "gold_treebank", "treebank_style"),
    *("replace_x", "lemmas_as_written"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateOptions:
    """Options of `evaluate`."""

    gold: str | None = option(
        "the right annotation, CoNLL-U or .xz of it", None, metavar="FILE", section="two files"
    )
    system: str | None = option(
        "the annotation to score, likewise", None, metavar="FILE", section="two files"
    )
    counts: bool = option("counts in place of percentages", False, section="two files")
    treebanks: tuple[str, ...] = option(
        "CoNLL-U or .xz files, such as 'ud/*/*-test.conllu.xz'",
        (),
        metavar="PATTERN",
        section="a tagger",
    )
    bundle: str | None = option(BUNDLE_HELP, None, metavar="DIR", section="a tagger")
    how: EvaluationOptions = group(EvaluationOptions(), section="a tagger")
    treebank_style: tuple[str, ...] = option(
        "tag in these treebanks' style; or mixed, each document in that of the treebank that it is "
        "most like; if left out, in the styles that the model names",
        (),
        metavar="TREEBANK",
        split=split_names,
        section="a tagger",
    )
    workers: int = option("processes", 1, parse=positive, section="a tagger")
    format: str = option("of what is printed", "table", choices=FORMATS, section="output")


_FLAGS = Flags(EvaluateOptions)
add_arguments = _FLAGS.add_to


def run(args: argparse.Namespace) -> int:
    """Scores what the flags name and prints it."""
    options = _FLAGS.parse(args)
    if options.treebanks and not options.gold and not options.system:
        print(_score_tagger(options))
    elif options.gold and options.system and not options.treebanks:
        _check_unused(options, _TAGGER_FLAGS, needed="--treebanks")
        scores = score(load_annotation(options.gold), load_annotation(options.system))
        print(format_scores(scores, format_name=options.format, counts=options.counts))
    else:
        raise UsageError(
            "give either --gold FILE and --system FILE, or --treebanks 'PATTERN' (and --bundle DIR)"
        )
    return 0


def _score_tagger(options: EvaluateOptions) -> str:
    _check_unused(options, ("counts",), needed="--gold and --system")
    if options.bundle and not exists(join(bundle_location(options.bundle), MANIFEST)):
        raise UsageError(
            f"--bundle {options.bundle}: no {MANIFEST} there; "
            "leave the flag out for the shipped model"
        )
    paths = [info.path for info in list_files(options.treebanks)]
    start_logging()
    results = evaluate_treebanks(
        paths,
        partial(load_tagger, options.bundle, options.treebank_style),
        options=options.how.checked(),
        n_workers=options.workers,
    )
    return format_results(results, format_name=options.format, has_losses=options.how.raw)


def _check_unused(options: EvaluateOptions, names: Sequence[str], *, needed: str) -> None:
    values = asdict(options)
    values |= values.pop("how")
    for name in names:
        if values[name]:
            raise UsageError(f"--{name} only goes with {needed}")
