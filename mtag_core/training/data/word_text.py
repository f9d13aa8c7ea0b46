"""Treebanks and segmented text together, as ids of forms and as the teachers' wordpieces.

What teachers label, and what a student learns from afterwards. A directory holds

    words.npz       the sentences as form ids, where they are from, and their place in the treebanks
    teacher.npz     the same sentences in the teachers' wordpieces
    sources.json    names of treebanks and languages
    forms.txt.xz    all forms; those of the treebank corpus first, with the same ids
"""

import json
import logging
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtag_core.errors import InputNotFoundError
from mtag_core.folding import fold_form
from mtag_core.training.data.encoding import encode_sentences
from mtag_core.training.data.packing import PackedSentences, fits
from mtag_core.training.data.segmented_text import segment_text
from mtag_core.training.data.texts import read_token_lines
from mtag_core.training.data.vocabulary import train_vocabulary
from mtag_core.training.data.word_corpus import TreebankCorpus, read_forms, write_forms
from mtag_core.training.data.word_sentences import FormTable, WordSentences
from mtag_core.training.word_options import WordTextOptions
from mtag_core.treebank_style import languages_of

_LOGGER = logging.getLogger(__name__)
_VOCABULARY_TOKENS = 12_000_000
_ALPHABET_OF_PIECES = 3 / 16


def run(options: WordTextOptions) -> str:
    """Runs `prepare-text`; what is there already stays.

    Raises:
        InputNotFoundError: There is no corpus, or no text of its languages.
    """
    corpus = TreebankCorpus.load(options.corpus)
    output, n_processes = options.output, options.n_processes
    languages = {code for name in corpus.train.treebanks for code in languages_of(name)}
    tokens = output / "tokens"
    segment_text(
        options.text,
        tokens,
        segmenters=options.segmenters,
        languages=sorted(languages),
        max_tokens=options.max_tokens,
        n_processes=n_processes,
    )
    if not (output / "sources.json").exists():
        tokenizer = options.encoder / "tokenizer.json"
        make_word_text(
            corpus,
            tokens,
            output,
            teacher_tokenizer=tokenizer,
            max_tokens=options.max_tokens,
            max_pieces=options.max_pieces,
            n_processes=n_processes,
        )
    forms = read_forms(output / "forms.txt.xz")
    if not (output / "tokenizer.json").exists():
        _train_vocabulary(forms, output, options.n_pieces)
    table = FormTable.of(forms, output / "tokenizer.json", n_processes=n_processes)
    table.save(output / "forms.npz")
    return f"{len(forms)} forms of {len(languages)} languages  {output}"


def _train_vocabulary(forms: Sequence[str], directory: Path, n_pieces: int) -> None:
    words = WordText.load(directory).words
    n_sentences = min(len(words), _VOCABULARY_TOKENS * len(words) // len(words.form_ids))
    chosen = np.random.default_rng(0).permutation(len(words))[:n_sentences]
    sentences = words.select(chosen).texts([fold_form(form).lower() for form in forms])
    tokenizer = train_vocabulary(
        map(tuple, sentences),
        n_pieces=n_pieces,
        alphabet_size=round(n_pieces * _ALPHABET_OF_PIECES),
    )
    tokenizer.save(str(directory / "tokenizer.json"))


@dataclass(frozen=True)
class WordText:
    """Sentences of treebanks, then of text.

    Attributes:
        words: As form ids.
        teacher: As wordpieces.
        source_ids: Index into `sources` of each sentence. Shape (n_sentences,), int64.
        labelled: Index of each sentence in the corpus' train sentences; -1 for text. Shape
            (n_sentences,), int64.
        sources: Names of treebanks and languages.
    """

    words: WordSentences
    teacher: PackedSentences
    source_ids: NDArray[np.int64]
    labelled: NDArray[np.int64]
    sources: tuple[str, ...]

    def select(self, chosen: NDArray[np.int64]) -> "WordText":
        """Keeps the chosen sentences, in that order."""
        return WordText(
            self.words.select(chosen),
            self.teacher.select(chosen),
            self.source_ids[chosen],
            self.labelled[chosen],
            self.sources,
        )

    @classmethod
    def load(cls, directory: Path) -> "WordText":
        """Reads what `make_word_text` wrote.

        Raises:
            InputNotFoundError: There is nothing.
        """
        try:
            with np.load(directory / "words.npz") as arrays:
                words = WordSentences(arrays["form_ids"], arrays["n_tokens"])
                source_ids, labelled = arrays["source_ids"], arrays["labelled"]
            teacher = PackedSentences.load(directory / "teacher.npz")
            sources = json.loads((directory / "sources.json").read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise InputNotFoundError(f"{directory}: no text; stage `text` makes it") from error
        return cls(words, teacher, source_ids, labelled, tuple(sources))


def make_word_text(
    corpus: TreebankCorpus,
    tokens: Path,
    output: Path,
    *,
    teacher_tokenizer: Path,
    max_tokens: int,
    max_pieces: int,
    n_processes: int,
) -> int:
    """Encodes treebanks and text.

    Args:
        corpus: The treebanks.
        tokens: Directory of `LANGUAGE.tokens` files.
        output: Directory for what `WordText.load` reads, and `forms.txt.xz`.
        teacher_tokenizer: A `tokenizer.json`.
        max_tokens: Of a language at most.
        max_pieces: Longer sentences are left out, in wordpieces of the teachers.
        n_processes: Worker processes, a file each.

    Returns:
        The number of tokens.

    Raises:
        InputNotFoundError: There is no text.
    """
    paths = sorted(tokens.glob("*.tokens"))
    if not paths:
        raise InputNotFoundError(f"{tokens}: no file named LANGUAGE.tokens")
    form_to_id = {form: index for index, form in enumerate(corpus.forms)}
    train = corpus.train.packed
    pieces = encode_sentences(train.texts(corpus.forms), teacher_tokenizer, n_processes=n_processes)
    words, teacher = [train], [pieces]
    with ProcessPoolExecutor(n_processes) as pool:
        for forms, of_file, encoded in pool.map(
            _encode_file, paths, repeat(teacher_tokenizer), repeat(max_tokens)
        ):
            ids = [form_to_id.setdefault(form, len(form_to_id)) for form in forms]
            form_ids = np.array(ids, np.int32)[of_file.form_ids]
            words.append(WordSentences(form_ids, of_file.n_tokens))
            teacher.append(encoded)
    sources = (*corpus.train.treebanks, *(path.name.split(".")[0] for path in paths))
    first = len(corpus.train.treebanks)
    ids_of_text = [np.full(len(part), first + n) for n, part in enumerate(words[1:])]
    text = WordText(
        WordSentences.concatenate(words),
        PackedSentences.concatenate(teacher),
        np.concatenate([corpus.train.treebank_ids, *ids_of_text]),
        np.concatenate([np.arange(len(train)), *(np.full(len(each), -1) for each in ids_of_text)]),
        sources,
    )
    fitting = np.flatnonzero(fits(text.teacher, max_pieces=max_pieces))
    return _save(text.select(fitting), list(form_to_id), output)


def _save(text: WordText, forms: Sequence[str], output: Path) -> int:
    output.mkdir(parents=True, exist_ok=True)
    text.teacher.save(output / "teacher.npz")
    write_forms(output / "forms.txt.xz", forms)
    (output / "sources.json").write_text(json.dumps(text.sources), encoding="utf-8")
    np.savez(
        output / "words.npz",
        form_ids=text.words.form_ids,
        n_tokens=text.words.n_tokens,
        source_ids=text.source_ids,
        labelled=text.labelled,
    )
    n_tokens = len(text.words.form_ids)
    _LOGGER.info("%d sentences, %d tokens, %d forms", len(text.words), n_tokens, len(forms))
    return n_tokens


def _encode_file(
    path: Path, tokenizer: Path, max_tokens: int
) -> tuple[list[str], WordSentences, PackedSentences]:
    sentences = []
    n_tokens = 0
    for forms in read_token_lines(path):
        n_tokens += len(forms)
        if n_tokens > max_tokens:
            break
        sentences.append(forms)
    form_to_id: dict[str, int] = {}
    words = WordSentences.of(sentences, form_to_id)
    return list(form_to_id), words, encode_sentences(sentences, tokenizer)
