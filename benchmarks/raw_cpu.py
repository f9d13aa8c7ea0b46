"""Speed from raw text to tags on one core, in Python: the bundle, UDPipe 1 and spaCy.

One process each for spaCy, whose packages are its own; all are measured in turn. A word is what
stands between white space, the same for all. Each measurement of mtag opens a new tagger; give
enough lines that it reads the text once.

    python -m benchmarks raw_cpu --text FILE --segmenter FILE --udpipe FILE \
        --spacy_python PYTHON --spacy_model fr_core_news_sm
    python -m benchmarks raw_cpu --text FILE --segmenter FILE --to_tokens
"""

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ufal.udpipe import Model

from benchmarks.baselines.udpipe import UdpipeTagger, tokenized
from benchmarks.harness import (
    add_text,
    benchmark_parser,
    interleaved,
    joined_lines,
    medians,
    run_benchmark,
)
from mtag_core.tagging.tagger import Tagger

_OURS = "mtag, raw text to UPOS, FEATS and lemmas"
_OUR_TOKENS = "mtag, raw text to sentences of tokens"
_LINES_A_DOCUMENT = 10
# As many are split together as `Tagger.pipe` and `annotate` would give.
_DOCUMENTS_TOGETHER = 32


def main(argv: list[str] | None = None) -> int:
    """Measures and writes."""
    parser = benchmark_parser("raw_cpu", "Speed from raw text to tags on one core.")
    add_text(parser)
    parser.add_argument("--lines", type=int, default=1000)
    parser.add_argument("--bundle", help="a model bundle; the one in mtag by default")
    parser.add_argument("--other_bundle", help="a bundle to measure beside it")
    parser.add_argument("--segmenter", type=Path, help="a UDPipe tokenizer")
    parser.add_argument("--udpipe", type=Path, help="a UDPipe tagger of the same language")
    parser.add_argument("--to_tokens", action="store_true", help="measure segmentation alone")
    parser.add_argument("--spacy_python", help="a Python that has spaCy and the model")
    parser.add_argument("--spacy_model", default="fr_core_news_sm")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="CPU time of a measurement")
    return run_benchmark(parser, _record, argv)


def _record(args: argparse.Namespace) -> dict[str, object]:
    documents = joined_lines(args.text, args.lines, n_joined=_LINES_A_DOCUMENT)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "text.txt"
        path.write_text("\n".join(documents), encoding="utf-8")
        systems = (
            _tokenizers(documents, args) if args.to_tokens else _systems(documents, path, args)
        )
        # The first round warms up.
        rates = interleaved(systems, n_rounds=1 + args.rounds)
    rates = {name: values[1:] for name, values in rates.items()}
    base = _OUR_TOKENS if args.to_tokens else _OURS
    return {
        "what": "white-space words per CPU second from raw text, one core",
        "systems": medians(rates, base=base, ratio="over_mtag", digits=2),
    }


def _systems(
    documents: list[str], path: Path, args: argparse.Namespace
) -> dict[str, Callable[[], float]]:
    systems: dict[str, Callable[[], float]] = {
        _OURS: lambda: _mtag_rate(args.bundle, documents, args.seconds)
    }
    if args.other_bundle:
        systems["mtag, the other bundle"] = lambda: _mtag_rate(
            args.other_bundle, documents, args.seconds
        )
    if args.udpipe and args.segmenter:
        udpipe = UdpipeTagger(args.udpipe, segmenter=args.segmenter)
        systems["UDPipe 1 tokenizer and tagger"] = lambda: _rate(
            lambda: _consume(map(udpipe.tag_text, documents)),
            documents,
            args.seconds,
        )
    if args.spacy_python:
        systems[f"spaCy {args.spacy_model}"] = _spacy(path, args)
    return systems


def _tokenizers(documents: list[str], args: argparse.Namespace) -> dict[str, Callable[[], float]]:
    def measure() -> float:
        tagger = Tagger.load(args.bundle)
        starts = range(0, len(documents), _DOCUMENTS_TOGETHER)
        parts = [documents[start : start + _DOCUMENTS_TOGETHER] for start in starts]
        return _rate(lambda: _consume(map(tagger.segment_many, parts)), documents, seconds=0)

    systems = {_OUR_TOKENS: measure}
    if args.segmenter:
        model = Model.load(str(args.segmenter))
        systems["UDPipe 1 tokenizer"] = lambda: _rate(
            lambda: _consume(map(partial(tokenized, model), documents)), documents, seconds=0
        )
    return systems


def _mtag_rate(bundle: str | None, documents: list[str], seconds: float) -> float:
    # A new one each time: a tagger remembers the forms of what it has read.
    tagger = Tagger.load(bundle)
    return _rate(lambda: _consume(tagger.pipe(documents)), documents, seconds)


def _rate(run: Callable[[], None], documents: list[str], seconds: float) -> float:
    n_words = sum(len(document.split()) for document in documents)
    started_s, n_done = time.process_time(), 0
    while not n_done or time.process_time() - started_s < seconds:
        run()
        n_done += n_words
    return n_done / (time.process_time() - started_s)


def _consume(results: object) -> None:
    for _ in results:  # type: ignore[attr-defined]
        pass


def _spacy(path: Path, args: argparse.Namespace) -> Callable[[], float]:
    worker = Path(__file__).with_name("spacy_worker.py")
    # On a path to this tree spaCy would find mtag's component, whose packages it may lack.
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    process = subprocess.Popen(
        [args.spacy_python, str(worker), args.spacy_model, str(path), str(args.seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=own | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )

    def measure() -> float:
        if process.stdin is None or process.stdout is None:
            raise SystemExit("the spaCy worker has no pipes")
        process.stdin.write("go\n")
        process.stdin.flush()
        return float(process.stdout.readline())

    return measure
