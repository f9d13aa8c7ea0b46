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
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import chain
from pathlib import Path

from ufal.udpipe import InputFormat, Model, ProcessingError, Sentence

from benchmarks.harness import add_text, benchmark_parser, first_lines, ratios, run_benchmark
from mtag_core.tagging.tagger import Tagger

_OURS = "mtag, raw text to UPOS, FEATS and lemmas"
_OUR_TOKENS = "mtag, raw text to sentences of tokens"
_LINES_A_DOCUMENT = 10


class UdpipeTagger:
    """A UDPipe tagger, and a tokenizer model before it where one is given."""

    def __init__(self, path: Path, *, segmenter: Path | None = None) -> None:
        self._tagger = Model.load(str(path))
        self._segmenter = Model.load(str(segmenter)) if segmenter else None

    def tag(self, forms: list[str]) -> int:
        """Tags given tokens and returns their number."""
        sentence = Sentence()
        for form in forms:
            sentence.addWord(form)
        self._tagger.tag(sentence, Model.DEFAULT)
        return len(forms)

    def run(self, forms: list[str]) -> int:
        """Tokenizes and tags a text and returns the number of white-space words in it."""
        reader = (
            self._segmenter.newTokenizer(Model.DEFAULT)
            if self._segmenter
            else (InputFormat.newHorizontalInputFormat())
        )
        reader.setText(" ".join(forms))
        sentence, error = Sentence(), ProcessingError()
        while reader.nextSentence(sentence, error):
            self._tagger.tag(sentence, Model.DEFAULT)
            sentence = Sentence()
        return len(forms)


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
    documents = _documents(args.text, args.lines)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "text.txt"
        path.write_text("\n".join(documents), encoding="utf-8")
        systems = (
            _tokenizers(documents, args) if args.to_tokens else _systems(documents, path, args)
        )
        rates = _measure(systems, n_rounds=args.rounds)
    to_ours = ratios(rates, base=_OUR_TOKENS if args.to_tokens else _OURS)
    return {
        "what": "white-space words per CPU second from raw text, one core",
        "systems": {
            name: {
                "words_per_s": round(statistics.median(values)),
                "over_mtag": round(to_ours[name], 2),
            }
            for name, values in rates.items()
        },
    }


def _documents(path: Path, n_lines: int) -> list[str]:
    lines = [line.strip() for line in first_lines(path, n_lines)]
    starts = range(0, len(lines), _LINES_A_DOCUMENT)
    return [" ".join(lines[start : start + _LINES_A_DOCUMENT]) for start in starts]


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
            lambda: _consume(udpipe.run(document.split(" ")) for document in documents),
            documents,
            args.seconds,
        )
    if args.spacy_python:
        systems[f"spaCy {args.spacy_model}"] = _spacy(path, args)
    return systems


def _tokenizers(documents: list[str], args: argparse.Namespace) -> dict[str, Callable[[], float]]:
    def measure() -> float:
        tagger = Tagger.load(args.bundle)
        tokens = chain.from_iterable(map(tagger.segment, documents))
        return _rate(lambda: _consume(tokens), documents, seconds=0)

    systems = {_OUR_TOKENS: measure}
    if args.segmenter:
        model = Model.load(str(args.segmenter))
        systems["UDPipe 1 tokenizer"] = lambda: _rate(
            lambda: _consume(map(partial(_tokenize, model), documents)), documents, seconds=0
        )
    return systems


def _tokenize(model: Model, document: str) -> list[list[str]]:
    reader = model.newTokenizer(Model.DEFAULT)
    reader.setText(document)
    sentences = []
    sentence, error = Sentence(), ProcessingError()
    while reader.nextSentence(sentence, error):
        sentences.append([word.form for word in sentence.words])
        sentence = Sentence()
    return sentences


def _measure(systems: dict[str, Callable[[], float]], *, n_rounds: int) -> dict[str, list[float]]:
    for measure in systems.values():
        measure()
    rates: dict[str, list[float]] = {name: [] for name in systems}
    for _ in range(n_rounds):
        for name, measure in systems.items():
            rates[name].append(measure())
    return rates


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
