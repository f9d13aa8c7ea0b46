"""Segmented, unlabelled text for distillation, encoded once for student and teacher.

The text comes one sentence a line, tokens between tab characters, in files named by language:
`fr.tokens.xz` or `fr.tokens`. A directory of encoded text holds

    student.npz, teacher.npz   the sentences for either vocabulary (`PackedSentences`), in one order
    languages.json             the languages' names
    language_ids.npy           index into them of each sentence
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtag_core.errors import InputNotFoundError, ShardError
from mtag_core.storage import open_text
from mtag_core.training.data.encoding import encode_sentences
from mtag_core.training.data.packing import PackedSentences, fitting_together
from mtag_core.training.options import EncodeTextOptions

_LOGGER = logging.getLogger(__name__)
_MIN_TOKENS = 3
_MAX_TOKENS = 120


@dataclass(frozen=True)
class EncodedText:
    """Sentences encoded for two vocabularies.

    Attributes:
        student: With the student's wordpieces.
        teacher: The same sentences with the teacher's.
        languages: Names of the languages.
        language_ids: Index into `languages` of each sentence. Shape (n_sentences,), int64.
    """

    student: PackedSentences
    teacher: PackedSentences
    languages: tuple[str, ...]
    language_ids: NDArray[np.int64]

    def select(self, chosen: NDArray[np.int64]) -> "EncodedText":
        """Keeps the chosen sentences, in that order."""
        return EncodedText(
            self.student.select(chosen),
            self.teacher.select(chosen),
            self.languages,
            self.language_ids[chosen],
        )

    def save(self, directory: Path) -> None:
        """Writes the arrays."""
        directory.mkdir(parents=True, exist_ok=True)
        self.student.save(directory / "student.npz")
        self.teacher.save(directory / "teacher.npz")
        np.save(directory / "language_ids.npy", self.language_ids)
        (directory / "languages.json").write_text(json.dumps(self.languages), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> "EncodedText":
        """Reads what `save` wrote.

        Raises:
            InputNotFoundError: There is no encoded text in the directory.
            ShardError: Student and teacher arrays hold different sentences.
        """
        try:
            text = cls(
                PackedSentences.load(directory / "student.npz"),
                PackedSentences.load(directory / "teacher.npz"),
                tuple(json.loads((directory / "languages.json").read_text(encoding="utf-8"))),
                np.load(directory / "language_ids.npy"),
            )
        except FileNotFoundError as error:
            raise InputNotFoundError(
                f"{directory}: no encoded text; make it with the encode-text command"
            ) from error
        if not np.array_equal(text.student.n_tokens, text.teacher.n_tokens):
            raise ShardError(f"{directory}: student.npz and teacher.npz hold different sentences")
        return text

    @classmethod
    def concatenate(cls, parts: list["EncodedText"]) -> "EncodedText":
        """Puts texts one after the other; languages are merged by name."""
        names = tuple(sorted({name for part in parts for name in part.languages}))
        ids = [
            np.array([names.index(name) for name in part.languages], np.int64)[part.language_ids]
            for part in parts
        ]
        return cls(
            PackedSentences.concatenate([part.student for part in parts]),
            PackedSentences.concatenate([part.teacher for part in parts]),
            names,
            np.concatenate(ids),
        )


def read_token_lines(path: Path) -> Iterator[tuple[str, ...]]:
    """Reads a file of segmented text.

    Args:
        path: A sentence a line, tokens between tabs; plain or `.xz`.

    Yields:
        The forms of each sentence of 3 to 120 tokens, each sentence once.
    """
    seen: set[int] = set()
    with open_text(path) as lines:
        for line in lines:
            forms = tuple(form for form in line.rstrip("\n").split("\t") if form.strip())
            if _MIN_TOKENS <= len(forms) <= _MAX_TOKENS and hash(forms) not in seen:
                seen.add(hash(forms))
                yield forms


def run(options: EncodeTextOptions) -> str:
    """Runs `encode-text`."""
    text = encode_text(options)
    text.save(options.output)
    n_tokens, n_languages = int(text.student.n_tokens.sum()), len(text.languages)
    return (
        f"{len(text.student)} sentences, {n_tokens} tokens, {n_languages} languages  "
        f"{options.output}"
    )


def encode_text(options: EncodeTextOptions) -> EncodedText:
    """Reads and encodes a directory of segmented text.

    Returns:
        The sentences in the order of languages.

    Raises:
        InputNotFoundError: The directory holds no such file.
    """
    directory = options.text
    files = sorted([*directory.glob("*.tokens"), *directory.glob("*.tokens.xz")])
    if not files:
        raise InputNotFoundError(
            f"{directory}: no file named LANGUAGE.tokens or LANGUAGE.tokens.xz"
        )
    languages = tuple(sorted({path.name.split(".")[0] for path in files}))
    sentences: list[tuple[str, ...]] = []
    language_ids: list[int] = []
    for path in files:
        before = len(sentences)
        sentences.extend(read_token_lines(path))
        language = languages.index(path.name.split(".")[0])
        language_ids += [language] * (len(sentences) - before)
    _LOGGER.info("%d sentences of %d languages", len(sentences), len(languages))
    student, teacher = (
        encode_sentences(sentences, tokenizer, n_processes=options.n_processes)
        for tokenizer in (options.student_tokenizer, options.teacher_tokenizer)
    )
    chosen = fitting_together((student, teacher), max_pieces=options.max_pieces)
    text = EncodedText(student, teacher, languages, np.array(language_ids, np.int64))
    return text.select(chosen)
