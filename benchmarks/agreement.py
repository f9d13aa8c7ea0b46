"""How often students say what their teacher says: the paper's way to choose a temperature.

The teacher is told the treebank, the students are not; dev sentences, macro over treebanks.

    python -m benchmarks agreement --teacher DIR --students DIR DIR --treebanks DIR
"""

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np

from benchmarks.harness import benchmark_parser, run_benchmark
from mtag_core.training.data.train_dev_split import read_split
from mtag_core.training.data.treebanks import LabelledSentence
from mtag_core.training.logits.trained_teacher import TrainedTeacher


def main(argv: list[str] | None = None) -> int:
    """Compares and writes."""
    parser = benchmark_parser("agreement", "Agreement of students with their teacher.")
    parser.add_argument("--teacher", type=Path, required=True, help="of train-teacher")
    parser.add_argument("--students", type=Path, nargs="+", required=True, help="of distill")
    parser.add_argument("--treebanks", type=Path, required=True, help="holds *-dev.conllu[.xz]")
    parser.add_argument(
        "--train_on_dev",
        action="store_true",
        help="leave out what training with --train_on_dev was on",
    )
    parser.add_argument("--device", default="cuda")
    return run_benchmark(parser, _measure, argv)


def _measure(args: argparse.Namespace) -> dict[str, object]:
    by_treebank: dict[str, list[LabelledSentence]] = defaultdict(list)
    for sentence in read_split(args.treebanks, train_on_dev=args.train_on_dev).held_out:
        by_treebank[sentence.treebank].append(sentence)
    teacher = _labels(args.teacher, by_treebank, device=args.device, is_told=True)
    gold = {
        name: [list(zip(s.upos, s.feats, strict=True)) for s in sentences]
        for name, sentences in by_treebank.items()
    }
    students = {}
    for directory in args.students:
        own = _labels(directory, by_treebank, device=args.device, is_told=False)
        students[directory.name] = {"teacher": _macro(own, teacher), "gold": _macro(own, gold)}
    return {
        "what": "share of dev tokens with equal labels in percent, macro over treebanks",
        "teacher_to_gold": _macro(teacher, gold),
        "students": students,
    }


_Labels = dict[str, list[list[tuple[str, str]]]]


def _labels(
    directory: Path,
    by_treebank: dict[str, list[LabelledSentence]],
    *,
    device: str,
    is_told: bool,
) -> _Labels:
    model = TrainedTeacher(directory, device=device)
    return {
        name: [
            list(zip(upos, feats, strict=True))
            for upos, feats in model.best_labels(
                [sentence.forms for sentence in sentences], treebank=name if is_told else None
            )
        ]
        for name, sentences in by_treebank.items()
    }


def _macro(own: _Labels, other: _Labels) -> dict[str, float]:
    shares = []
    for name, sentences in own.items():
        pairs = [
            (mine, theirs)
            for left, right in zip(sentences, other[name], strict=True)
            for mine, theirs in zip(left, right, strict=True)
        ]
        shares.append([np.mean([a[column] == b[column] for a, b in pairs]) for column in (0, 1)])
    means = 100 * np.mean(shares, axis=0)
    return {
        column: round(float(mean), 2) for column, mean in zip(("upos", "feats"), means, strict=True)
    }
