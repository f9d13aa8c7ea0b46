"""Speed from raw text to tags on one core, in Python: the bundle, UDPipe 1 and spaCy.

One process each for spaCy, whose packages are its own; all are measured in turn. A word is what
stands between white space, the same for all. Each measurement of mtag opens a new tagger, since a
tagger remembers the forms of what it has read; give enough lines that it reads the text once.

    python -m benchmarks raw_cpu --text FILE --segmenter FILE --udpipe FILE \
        --spacy_python PYTHON --spacy_model fr_core_news_sm
    python -m benchmarks raw_cpu --text FILE --segmenter FILE --to_tokens
"""

import argparse
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable
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
    words_per_s,
)
from mtag_core.tagging.tagger import Tagger

_OURS = "mtag, raw text to UPOS, FEATS and lemmas"
_OUR_TOKENS = "mtag, raw text to sentences of tokens"
_LINES_A_DOCUMENT = 10
# As many are split together as `Tagger.pipe` and `annotate` would give.
_DOCUMENTS_TOGETHER = 32

_Systems = dict[str, Callable[[], float]]


def main(argv: list[str] | None = None) -> int:
    """Measures and writes."""
    parser = benchmark_parser("raw_cpu", "Speed from raw text to tags on one core.")
    add_text(parser)
    parser.add_argument("--lines", type=int, default=1000)
    parser.add_argument("--bundle", help="a model bundle; the one in mtag by default")
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
        systems = _tokenizers(documents, args) if args.to_tokens else _taggers(documents, args)
        if args.spacy_python and not args.to_tokens:
            systems[f"spaCy {args.spacy_model}"] = _spacy(path, args)
        rates = interleaved(systems, n_rounds=args.rounds)
    base = _OUR_TOKENS if args.to_tokens else _OURS
    return {
        "what": "white-space words per CPU second from raw text, one core",
        "systems": medians(rates, base=base, ratio="over_mtag", digits=2),
    }


def _taggers(documents: list[str], args: argparse.Namespace) -> _Systems:
    def measure() -> float:
        tagger = Tagger.load(args.bundle)
        return _rate(lambda: tagger.pipe(documents), documents, args.seconds)

    systems = {_OURS: measure}
    if args.udpipe and args.segmenter:
        udpipe = UdpipeTagger(args.udpipe, segmenter=args.segmenter)
        systems["UDPipe 1 tokenizer and tagger"] = partial(
            _rate, lambda: map(udpipe.tag_text, documents), documents, args.seconds
        )
    return systems


def _tokenizers(documents: list[str], args: argparse.Namespace) -> _Systems:
    starts = range(0, len(documents), _DOCUMENTS_TOGETHER)
    parts = [documents[start : start + _DOCUMENTS_TOGETHER] for start in starts]

    def measure() -> float:
        tagger = Tagger.load(args.bundle)
        return _rate(lambda: map(tagger.segment_many, parts), documents, 0.0)

    systems = {_OUR_TOKENS: measure}
    if args.segmenter:
        model = Model.load(str(args.segmenter))
        systems["UDPipe 1 tokenizer"] = partial(
            _rate, lambda: map(partial(tokenized, model), documents), documents, 0.0
        )
    return systems


def _rate(run: Callable[[], Iterable[object]], documents: list[str], min_s: float) -> float:
    n_words = sum(len(document.split()) for document in documents)

    def system() -> int:
        for _ in run():
            pass
        return n_words

    return words_per_s(system, min_s=min_s)


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
