"""Speed and memory of `pipelines.annotate`, against `Tagger.pipe` and the tagger alone.

Runs the command on one corpus and on ten copies of it, each in a process of its own, and takes
the difference: start-up falls out of the speed. Resident memory is the largest that the kernel
saw. The tagger alone tags the same text, segmented beforehand, twice before each run; so does
`Tagger.pipe`, from raw text. Both have read the text once before.

    python -m benchmarks annotate --text 'data/text/*.xz'
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

from benchmarks.harness import (
    CommandRun,
    add_texts,
    benchmark_parser,
    heads,
    run_annotate,
    run_benchmark,
)
from mtag_core.tagging.tagged import TaggedSentence
from mtag_core.tagging.tagger import Tagger


def main(argv: list[str] | None = None) -> int:
    """Measures and writes."""
    parser = benchmark_parser("annotate", "Speed and memory of annotate.")
    add_texts(parser)
    parser.add_argument(
        "--lines", type=int, default=8000, help="lines of the smaller corpus, of all files together"
    )
    return run_benchmark(parser, _measure, argv)


def _measure(args: argparse.Namespace) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as directory:
        return _compare(args, Path(directory))


def _compare(args: argparse.Namespace, directory: Path) -> dict[str, object]:
    texts = ["\n".join(lines) for lines in heads(args.text, n_lines=args.lines).values()]
    tagger = Tagger.load()
    forms = [sentence.forms for text in texts for sentence in tagger.segment(text)]
    tag, pipe = partial(tagger.tag_tokens, forms), partial(tagger.pipe, texts)
    _words_per_s(tag)
    alone, piped, runs = [], [], []
    for n_copies in (1, 10):
        for _ in range(2):
            alone.append(_words_per_s(tag))
            piped.append(_words_per_s(lambda: chain.from_iterable(pipe())))
        runs.append(_run(directory, texts, n_copies=n_copies))
    small, large = runs
    n_tokens = sum(map(len, forms))
    words_per_s = 9 * n_tokens / (large.cpu_s - small.cpu_s)
    return {
        "what": "tokens per CPU second on one worker; start-up left out",
        "n_texts": len(texts),
        "n_tokens": n_tokens,
        "annotate_words_per_s": round(words_per_s),
        "tagger_alone_words_per_s": round(statistics.median(alone)),
        "annotate_over_tagger": round(words_per_s / statistics.median(alone), 2),
        "pipe_words_per_s": round(statistics.median(piped)),
        "annotate_over_pipe": round(words_per_s / statistics.median(piped), 2),
        "resident_mib": round(small.resident_mib),
        "resident_mib_ten_times": round(large.resident_mib),
    }


def _words_per_s(tagged: Callable[[], Iterable[TaggedSentence]]) -> float:
    started_s = time.process_time()
    n_tokens = sum(map(len, tagged()))
    return n_tokens / (time.process_time() - started_s)


def _run(directory: Path, texts: Sequence[str], *, n_copies: int) -> CommandRun:
    folder = directory / f"corpus-{n_copies}"
    folder.mkdir()
    for copy in range(n_copies):
        for index, text in enumerate(texts):
            (folder / f"{copy}-{index}.txt").write_text(text, encoding="utf-8")
    return run_annotate(f"{folder}/*.txt", directory / f"out-{n_copies}")
