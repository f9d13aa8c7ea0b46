"""Text, segmented, and treebanks with it, as ids of forms.

What teachers label, and what a student learns from afterwards. A directory holds

    words.npz       the sentences as form ids, where they are from, and their place in the treebanks
    teacher.npz     the teachers' wordpieces of each form
    sources.json    names of treebanks and languages
    forms.txt.xz    all forms; those of the treebank corpus first, with the same ids
    tokenizer.json  the student's wordpieces
    forms.npz       what a word student reads of each form
"""

import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from mtag_core.errors import InputNotFoundError
from mtag_core.folding import fold_form, usual_letters
from mtag_core.langid import LanguageIdentifier
from mtag_core.segmentation.segmenter import Segmenter
from mtag_core.tagging.bundle import DEFAULT_BUNDLE
from mtag_core.training.data.corpus import TreebankCorpus, read_forms, write_forms
from mtag_core.training.data.datasets import SourcedWords, WordSentences
from mtag_core.training.data.model_input import FormTable
from mtag_core.training.data.pieces import FormPieces
from mtag_core.training.data.treebanks import read_lines, text_files
from mtag_core.training.options import TextOptions

SPECIAL_PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_LOGGER = logging.getLogger(__name__)
_VOCABULARY_TOKENS = 12_000_000
_ALPHABET_OF_PIECES = 3 / 16
_MOST_LETTERS = 6000
_MIN_TOKENS, _MAX_TOKENS = 3, 120
_JOB_LINES = 2000
_MAX_CHARACTERS_A_TOKEN = 7


def run(options: TextOptions) -> str:
    """Runs `train text`; what is there already stays.

    Raises:
        InputNotFoundError: There is no corpus, or no text.
    """
    corpus = TreebankCorpus.load(options.corpus)
    output = options.output
    texts = text_files(options.text)
    if not (output / "sources.json").exists():
        make_word_text(corpus, texts, options)
    forms = read_forms(output / "forms.txt.xz")
    tokenizer = output / "tokenizer.json"
    if not tokenizer.exists():
        words = load_text(output).words
        n_sentences = min(len(words), _VOCABULARY_TOKENS * len(words) // len(words.form_ids))
        chosen = np.random.default_rng(0).permutation(len(words))[:n_sentences]
        read = as_read(forms, options.architecture)
        sentences = words.select(chosen).texts(read)
        train_vocabulary(sentences, n_pieces=options.n_pieces).save(str(tokenizer))
    if options.architecture == "words":
        table = FormTable.of(forms, tokenizer, n_processes=options.n_processes)
        table.save(output / "forms.npz")
    return f"{len(forms)} forms of {len(texts)} texts  {output}"


def as_read(forms: Iterable[str], architecture: str) -> list[str]:
    """Forms as the wordpieces of a student see them: of words, folded and in lower case."""
    has_words = architecture == "words"
    return [fold_form(form).lower() if has_words else form for form in forms]


def train_vocabulary(sentences: Iterable[Sequence[str]], *, n_pieces: int) -> Tokenizer:
    """Trains a WordPiece vocabulary that keeps letter case as it comes.

    Three pieces in sixteen may be letters, 6,000 at most; rarer ones become [UNK]. Pieces that
    occur equally often come in another order in each training. Encode with `is_pretokenized=True`.
    """
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=n_pieces,
        min_frequency=2,
        limit_alphabet=min(round(n_pieces * _ALPHABET_OF_PIECES), _MOST_LETTERS),
        special_tokens=list(SPECIAL_PIECES),
        show_progress=False,
    )
    tokenizer.train_from_iterator((" ".join(forms) for forms in sentences), trainer)
    return tokenizer


def text_arrays(text: SourcedWords) -> dict[str, Any]:
    """All but the names of sources, as files keep them."""
    words = {"form_ids": text.words.form_ids, "n_tokens": text.words.n_tokens}
    return {**words, "source_ids": text.source_ids, "labelled": text.origins, **text.labels}


def text_of(arrays: Mapping[str, NDArray[Any]], sources: Path) -> SourcedWords:
    """From what `text_arrays` gave and the file of names; other arrays are labels."""
    own = dict(arrays)
    words = WordSentences(own.pop("form_ids"), own.pop("n_tokens"))
    names = tuple(json.loads(sources.read_text(encoding="utf-8")))
    return SourcedWords(words, names, own.pop("source_ids"), own.pop("labelled"), own)


def load_text(directory: Path) -> SourcedWords:
    """Reads what `make_word_text` wrote: sentences of treebanks, then of text.

    Raises:
        InputNotFoundError: There is nothing.
    """
    # The last of the files: whether it is there says whether the others are whole.
    if not (directory / "sources.json").exists():
        raise InputNotFoundError(f"{directory}: no text; stage `text` makes it")
    with np.load(directory / "words.npz") as arrays:
        return text_of(arrays, directory / "sources.json")


def teacher_pieces(directory: Path) -> FormPieces:
    """The teachers' wordpieces of all forms, as `make_word_text` wrote them."""
    with np.load(directory / "teacher.npz") as arrays:
        return FormPieces(arrays["ids"], arrays["n_pieces"])


def make_word_text(corpus: TreebankCorpus, texts: Mapping[str, Path], options: TextOptions) -> None:
    """Segments texts, encodes treebanks and text, and writes what `load_text` reads.

    The first lines of a text are read, until they have about so many tokens as are wanted.
    """
    output = options.output
    output.mkdir(parents=True, exist_ok=True)
    form_to_id = {form: index for index, form in enumerate(corpus.forms)}
    train = corpus.train
    sources = (*train.sources, *texts)
    indices = np.arange(len(train.words))
    parts = [SourcedWords(train.words, sources, train.source_ids, indices)]
    with ProcessPoolExecutor(options.n_processes) as pool:
        for source, (language, path) in enumerate(texts.items(), len(train.sources)):
            jobs = list(_jobs(path, options.max_tokens * _MAX_CHARACTERS_A_TOKEN))
            segmented = pool.map(_segmented, jobs, repeat(language), repeat(options.segmenters))
            sentences = _distinct(chain.from_iterable(segmented), options.max_tokens)
            words = WordSentences.of(sentences, form_to_id)
            unlabelled = np.full(len(words), -1)
            parts.append(SourcedWords(words, sources, np.full(len(words), source), unlabelled))
    tokenizer = options.encoder / "tokenizer.json"
    pieces = FormPieces.of(list(form_to_id), tokenizer, n_processes=options.n_processes)
    text = SourcedWords.concatenate(parts)
    text = text.select(pieces.fitting(text.words, max_pieces=options.max_pieces))
    np.savez(output / "teacher.npz", ids=pieces.ids, n_pieces=pieces.n_pieces)
    write_forms(output / "forms.txt.xz", list(form_to_id))
    np.savez(output / "words.npz", **text_arrays(text))
    n_tokens = len(text.words.form_ids)
    _LOGGER.info("%d sentences, %d tokens, %d forms", len(text.words), n_tokens, len(form_to_id))
    (output / "sources.json").write_text(json.dumps(sources), encoding="utf-8")


def _distinct(sentences: Iterable[tuple[str, ...]], max_tokens: int) -> Iterator[tuple[str, ...]]:
    seen: set[int] = set()
    for forms in sentences:
        if hash(forms) not in seen:
            seen.add(hash(forms))
            max_tokens -= len(forms)
            if max_tokens < 0:
                break
            yield forms


def _jobs(path: Path, n_characters: int) -> Iterator[list[str]]:
    left = (line.rstrip("\n") for line in read_lines(path))
    while n_characters > 0 and (job := list(islice(left, _JOB_LINES))):
        n_characters -= sum(map(len, job))
        yield job


def _segmented(lines: list[str], language: str, segmenters: Path) -> list[tuple[str, ...]]:
    os.environ["OMP_NUM_THREADS"] = "1"
    segmenter = _segmenter(segmenters)
    # A sentence never crosses a blank line.
    sentences = segmenter.segment("\n\n".join(lines), language)
    read = (usual_letters(each.forms, language, text=each.text) for each in sentences)
    found = (tuple(form for form in forms if form.strip()) for forms in read)
    # Files of forms have one a line.
    return [
        forms
        for forms in found
        if _MIN_TOKENS <= len(forms) <= _MAX_TOKENS and not any("\n" in form for form in forms)
    ]


@cache
def _segmenter(directory: Path) -> Segmenter:
    # Languages are known: any identifier will do.
    return Segmenter.load(directory, LanguageIdentifier.load(DEFAULT_BUNDLE / "langid.ftz"))
