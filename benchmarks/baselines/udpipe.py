"""UDPipe 1: trains a tagger a treebank, on the files that the student learns from; tags with one.

A model tags UPOS and FEATS first, then a second part of it lemmatises; lemmas are cleaned as the
student's are. XPOS is off, since the treebanks carry none. Training is resumable: a treebank whose
model stands in the output directory is skipped, so the run may be cut and started again.
Treebanks come smallest first.

    python -m benchmarks baselines.udpipe --data data/ud --models DIR
"""

import argparse
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ufal.udpipe import InputFormat, Model, ProcessingError, Sentence, Sentences, Trainer

from mtag_core import conllu
from mtag_core.conllu import ConlluSentence
from mtag_core.lemmas import clean_lemma
from mtag_core.storage import open_text
from mtag_core.tagging.tagged import TaggedSentence, unscored
from mtag_core.treebank_style import treebank_language

_TAGGER = "templates=tagger;use_lemma=0;provide_lemma=0"
_LEMMATISER = "templates=lemmatizer;use_lemma=1;provide_lemma=1;use_feats=0;provide_feats=0"
_NO_XPOS = "use_xpostag=0;provide_xpostag=0"


def main(argv: list[str] | None = None) -> int:
    """Trains what is missing."""
    parser = argparse.ArgumentParser(description="Trains UDPipe 1 taggers.")
    parser.add_argument("--data", type=Path, required=True, help="folder of UD_*/*.conllu.xz")
    parser.add_argument("--models", type=Path, required=True, help="folder of the models")
    parser.add_argument("--max_tokens", type=int, default=40_000, help="training tokens at most")
    parser.add_argument("--iterations", type=int, default=10, help="passes over the tokens")
    args = parser.parse_args(argv)
    args.models.mkdir(parents=True, exist_ok=True)
    paths = args.data.glob("*/*-ud-train.conllu.xz")
    for path in sorted(paths, key=lambda path: path.stat().st_size):
        treebank = path.name.partition("-ud-")[0]
        target = args.models / f"{treebank}.udpipe"
        if not target.exists():
            _train(path, target, max_tokens=args.max_tokens, iterations=args.iterations)
    return 0


def _train(path: Path, target: Path, *, max_tokens: int, iterations: int) -> None:
    started_s = time.process_time()
    sentences, n_tokens = read_sentences(path, max_tokens=max_tokens)
    error = ProcessingError()
    options = _options(iterations)
    model = Trainer.train(
        "morphodita_parsito", sentences, Sentences(), "none", options, "none", error
    )
    if error.occurred():
        print(f"{path}: {error.message}", file=sys.stderr)
        return
    partial = target.with_suffix(".partial")
    partial.write_bytes(
        model.encode("utf-8", "surrogateescape") if isinstance(model, str) else model
    )
    if Model.load(str(partial)) is None:
        print(f"{partial}: UDPipe cannot load what it trained", file=sys.stderr)
        return
    partial.rename(target)
    print(target.stem, n_tokens, "tokens", f"{time.process_time() - started_s:.0f} s", flush=True)


def _options(iterations: int) -> str:
    parts = ["models=2"]
    for number, part in enumerate((_TAGGER, _LEMMATISER), start=1):
        options = f"{part};{_NO_XPOS};iterations={iterations}"
        parts += [option.replace("=", f"_{number}=", 1) for option in options.split(";")]
    return ";".join(parts)


def read_sentences(path: Path, *, max_tokens: int | None = None) -> tuple[Sentences, int]:
    """Reads a treebank's file into UDPipe's sentences, lemmas cleaned, and counts their tokens."""
    reader = InputFormat.newConlluInputFormat()
    language = treebank_language(path.name)
    with open_text(path, newline="\n") as lines:
        cleaned = (_cleaned(each, language) for each in conllu.read(lines, source=str(path)))
        reader.setText("".join(conllu.write(cleaned)))
    sentences, error, n_tokens = Sentences(), ProcessingError(), 0
    while max_tokens is None or n_tokens < max_tokens:
        sentence = Sentence()
        if not reader.nextSentence(sentence, error):
            break
        sentences.push_back(sentence)
        n_tokens += len(sentence.words) - 1  # The first is the root node.
    return sentences, n_tokens


def tokenized(model: Model, text: str) -> list[list[str]]:
    """The forms of a text's sentences, by a UDPipe tokenizer."""
    return [[word.form for word in each.words][1:] for each in _segmented(model, text)]


def _segmented(model: Model, text: str) -> Iterator[Sentence]:
    tokenizer = model.newTokenizer(Model.DEFAULT)
    tokenizer.setText(text)
    while tokenizer.nextSentence(sentence := Sentence()):
        yield sentence


class UdpipeTagger:
    """A UDPipe 1 tagger of one treebank, and a tokenizer before it where one is given.

    Raises:
        FileNotFoundError: There is none.
    """

    def __init__(self, path: Path, *, segmenter: Path | None = None) -> None:
        self._model = Model.load(str(path))
        if self._model is None:
            raise FileNotFoundError(f"{path}: no UDPipe model")
        self._segmenter = Model.load(str(segmenter)) if segmenter else None

    def tag(self, forms: Iterable[str]) -> Sentence:
        """Tags given tokens; the first word of the result is the root node."""
        sentence = Sentence()
        for form in forms:
            sentence.addWord(form)
        self._model.tag(sentence, Model.DEFAULT)
        return sentence

    def tag_text(self, text: str) -> list[Sentence]:
        """Tokenizes and tags a text."""
        sentences = list(_segmented(self._segmenter, text))
        for sentence in sentences:
            self._model.tag(sentence, Model.DEFAULT)
        return sentences

    def tag_tokens(self, sentences: Iterable[Sequence[str]]) -> list[TaggedSentence]:
        """Tags pre-tokenised sentences."""
        return [self._tagged(tuple(forms)) for forms in sentences]

    def _tagged(self, forms: tuple[str, ...]) -> TaggedSentence:
        # Its words live as long as it does.
        sentence = self.tag(forms)
        words = list(sentence.words)[1:]
        upos = tuple(word.upostag for word in words)
        feats = tuple(word.feats or "_" for word in words)
        lemmas = tuple(word.lemma for word in words)
        return unscored(forms, upos, feats, lemmas if any(lemmas) else None)


def _cleaned(sentence: ConlluSentence, language: str) -> ConlluSentence:
    rows = []
    for row in sentence.rows:
        form, lemma, upos = row[conllu.FORM], row[conllu.LEMMA], row[conllu.UPOS]
        if row[conllu.ID].isdecimal():
            # UDPipe would learn the `_` of a missing lemma.
            lemma = clean_lemma(form, lemma, upos, language) or form
        rows.append((*row[: conllu.LEMMA], lemma, *row[conllu.UPOS :]))
    return replace(sentence, rows=tuple(rows))
