"""How well soft targets rebuilt from logit shards match the teacher, at what size and speed.

    python -m benchmarks reconstruction --teacher DIR --text FILE [FILE ...]

A part of the sentences fits the tail's basis; the others are measured: the mean total variation
between the teacher's softmax over FEATS and the one rebuilt from what a shard keeps.
"""

import argparse
import io
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import add_bundle, benchmark_parser, first_lines, run_benchmark
from mtag_core.records import OutputRow, Sentence
from mtag_core.training.logits.logit_shards import ScoredSentence, ShardFormat
from mtag_core.training.logits.logit_teachers import Teacher
from mtag_core.training.logits.logits_run import fit_basis, load_segmenter, load_teacher
from mtag_core.training.logits.sentence_choice import ChoiceOptions, is_useful
from mtag_core.training.logits.soft_targets import (
    FeatsSummary,
    SummaryOptions,
    TailBasis,
    rebuild_feats_probs,
)

_BASIS_TOKENS = 2000


def main(argv: list[str] | None = None) -> int:
    """Measures and writes."""
    parser = benchmark_parser("reconstruction", "Soft targets rebuilt from logit shards.")
    parser.add_argument("--teacher", type=Path, required=True, help="as --teacher of `mtag logits`")
    parser.add_argument("--text", type=Path, nargs="+", required=True, help="text, plain or .xz")
    add_bundle(parser)
    parser.add_argument("--lines", type=int, default=60, help="lines a file")
    parser.add_argument("--top_k", type=int, default=SummaryOptions().top_k)
    parser.add_argument("--tail_rank", type=int, default=SummaryOptions().tail_rank)
    return run_benchmark(parser, _measure, argv)


def _measure(args: argparse.Namespace) -> dict[str, object]:
    teacher = load_teacher(args.teacher, device="cpu")
    fitted, measured = _sentences(args)
    options = teacher.summary = SummaryOptions(top_k=args.top_k, tail_rank=args.tail_rank)
    basis = teacher.basis = fit_basis(teacher, fitted, n_tokens=_BASIS_TOKENS)
    started_s = time.process_time()
    logits = teacher.logits([teacher.encode(sentence) for sentence in measured])
    bare_s = time.process_time() - started_s
    started_s = time.process_time()
    scored = list(teacher.score([teacher.encode(sentence) for sentence in measured]))
    scored_s = time.process_time() - started_s
    n_tokens = sum(len(row.upos) for row in scored)
    return {
        "what": "total variation between the teacher's FEATS softmax and the rebuilt one",
        "sentences": len(scored),
        "tokens": n_tokens,
        "top_k": args.top_k,
        "tail_rank": 0 if basis is None else basis.rank,
        "by_temperature": _by_temperature(scored, [x.feats for x in logits], options, basis),
        "bytes_a_word": round(_shard_bytes(teacher, scored) / n_tokens, 1),
        "bare_words_per_s": round(n_tokens / bare_s),
        "logits_words_per_s": round(n_tokens / scored_s),
    }


def _sentences(args: argparse.Namespace) -> tuple[list[Sentence], list[Sentence]]:
    segmenter = load_segmenter(args.bundle)
    choice = ChoiceOptions()
    useful = [
        sentence
        for path in args.text
        for sentence in segmenter.segment(
            "\n\n".join(map(str.strip, first_lines(path, args.lines)))
        )
        if is_useful(sentence, choice)
    ]
    order = np.random.default_rng(0).permutation(len(useful))
    mixed = [useful[index] for index in order]
    cut = 2 * len(mixed) // 3
    return mixed[:cut], mixed[cut:]


def _by_temperature(
    scored: Sequence[ScoredSentence],
    logits: Sequence[NDArray[np.float32]],
    options: SummaryOptions,
    basis: TailBasis | None,
) -> dict[str, dict[str, float]]:
    sums = {t: np.zeros(3) for t in options.temperatures}
    for row, own in zip(scored, logits, strict=True):
        rebuilt = partial(
            rebuild_feats_probs,
            n_labels=own.shape[1],
            temperatures=options.temperatures,
            basis=basis,
        )
        for temperature in options.temperatures:
            probs = _softmax(own, temperature)
            summary = row.feats_summary
            top = np.take_along_axis(probs, summary.label_ids.astype(np.int64), axis=1)
            even = FeatsSummary(
                summary.label_ids, summary.logits, summary.rest, summary.tail[:, :0]
            )
            errors = [
                np.abs(rebuilt(kept, temperature=temperature) - probs).sum() / 2
                for kept in (summary, even)
            ]
            sums[temperature] += [len(own) - top.sum(), *errors]
    n_tokens = sum(map(len, logits))
    names = ("mass_outside_top_k", "total_variation", "total_variation_without_tail")
    return {
        f"{temperature:g}": {
            name: float(f"{x / n_tokens:.2g}") for name, x in zip(names, own, strict=True)
        }
        for temperature, own in sums.items()
    }


def _softmax(logits: NDArray[np.float32], temperature: float) -> NDArray[np.float64]:
    scaled = logits.astype(np.float64) / temperature
    probs = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    result: NDArray[np.float64] = probs / probs.sum(axis=1, keepdims=True)
    return result


def _shard_bytes(teacher: Teacher, scored: Sequence[ScoredSentence]) -> int:
    sink = io.BytesIO()
    with ShardFormat(teacher.info).open(sink) as writer:
        for index, row in enumerate(scored):
            writer.write(OutputRow("document", index, f"document.{index}", row))
    return len(sink.getvalue())
