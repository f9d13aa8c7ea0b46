"""Teachers that give logits for every label of a token: what they share, and the ONNX one.

A teacher directory holds

    teacher.json      format version, sha256 of the files, max_pieces, UPOS labels, opening pieces
    logits.onnx       see `mtag_core.training.graphs.logit_graph`
    tokenizer.json    wordpieces
    feats.json        FEATS inventory in label order

and may be a model bundle at the same time. A directory of Hugging Face's format is read by
`mtag_core.training.logits.trained_teacher`, one that `train-teacher` wrote by
`mtag_core.training.logits.trained_teacher`.
"""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mtag_core.errors import BundleError
from mtag_core.records import Sentence
from mtag_core.tagging.student import open_session
from mtag_core.tagging.tagged import BatchReport
from mtag_core.tagging.windows import EncodedSentence
from mtag_core.training.logits.piece_windows import (
    PieceBatch,
    PieceEncoder,
    TokenLogits,
    batched_rows,
)
from mtag_core.training.logits.soft_targets import (
    FeatsSummary,
    SummaryOptions,
    TailBasis,
    summarise_feats,
)

TEACHER_FILE = "teacher.json"
TEACHER_VERSION = 1
# Sentences whose logits are in memory at a time: 46 KB a token with 11,583 FEATS bundles.
N_WAITING = 128
_FILES = ("logits.onnx", "tokenizer.json", "feats.json")


@dataclass(frozen=True, slots=True)
class TokenSummary:
    """What is kept of a sentence's logits.

    Attributes:
        upos: All UPOS logits. Shape (n_tokens, n_upos), float32.
        feats: Length n_tokens.
    """

    upos: NDArray[np.float32]
    feats: FeatsSummary


class Teacher(Protocol):
    """What the making of shards needs of a teacher.

    Attributes:
        on_batch: Called after each batch with its size and duration; None for no call.
    """

    on_batch: Callable[[BatchReport], None] | None

    @property
    def n_waiting(self) -> int:
        """Sentences that wait for each other so that batches are of like length."""

    @property
    def digest(self) -> str:
        """Identifies its weights."""

    @property
    def upos_labels(self) -> tuple[str, ...]:
        """UPOS inventory in label order."""

    @property
    def feats_labels(self) -> tuple[str, ...]:
        """FEATS inventory in label order."""

    def encode(self, sentence: Sentence) -> EncodedSentence:
        """Splits a sentence's tokens into the teacher's wordpieces."""

    def logits(self, sentences: Sequence[EncodedSentence]) -> list[TokenLogits]:
        """Logits of each sentence; those of a token do not depend on the others beyond rounding."""

    def summaries(
        self,
        sentences: Sequence[EncodedSentence],
        options: SummaryOptions,
        *,
        basis: TailBasis | None,
    ) -> list[TokenSummary]:
        """What is kept of each sentence's logits; see `summarise`."""


@dataclass(frozen=True, slots=True)
class TeacherCard:
    """What `teacher.json` says beside the digests.

    Attributes:
        max_pieces: Longest input, opening and closing piece included.
        upos: UPOS labels in order.
        openings: Language -> the piece that opens its sentences, where the teacher was told which
            treebank's convention to follow.
    """

    max_pieces: int
    upos: tuple[str, ...]
    openings: Mapping[str, int] = field(default_factory=dict)


def labels_digest(upos: Sequence[str], feats: Sequence[str]) -> str:
    """First 16 hexadecimal digits of the SHA-256 of two inventories."""
    text = json.dumps([list(upos), list(feats)], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def files_digest(directory: Path, patterns: Sequence[str]) -> str:
    """First 16 hexadecimal digits of the SHA-256 of a directory's files that match, in order."""
    digest = hashlib.sha256()
    for pattern in patterns:
        for path in sorted(directory.glob(pattern)):
            with path.open("rb") as stream:
                digest.update(path.name.encode())
                while chunk := stream.read(1 << 20):
                    digest.update(chunk)
    return digest.hexdigest()[:16]


def summarise(
    logits: TokenLogits, options: SummaryOptions, *, basis: TailBasis | None
) -> TokenSummary:
    """Keeps of a sentence's logits what shards keep.

    Args:
        logits: All of them.
        options: What to keep.
        basis: Of the tail's sketch; None for none.
    """
    feats = summarise_feats(
        logits.feats, top_k=options.top_k, temperatures=options.temperatures, basis=basis
    )
    return TokenSummary(logits.upos, feats)


def language_openings(
    conventions: Mapping[str, str], treebank_pieces: Mapping[str, int]
) -> dict[str, int]:
    """The piece of the treebank whose convention each language's text follows.

    Args:
        conventions: Language to treebank; languages of other treebanks have no piece.
        treebank_pieces: Treebank to piece.
    """
    return {
        language: treebank_pieces[treebank]
        for language, treebank in sorted(conventions.items())
        if treebank in treebank_pieces
    }


def write_teacher(
    directory: Path, card: TeacherCard, *, graph: bytes, tokenizer: bytes, feats: Sequence[str]
) -> None:
    """Writes a teacher directory, `teacher.json` last.

    Args:
        directory: Made if missing.
        card: What to record.
        graph: The serialised ONNX model.
        tokenizer: The content of `tokenizer.json`.
        feats: The FEATS inventory in label order.
    """
    directory.mkdir(parents=True, exist_ok=True)
    contents = dict(zip(_FILES, (graph, tokenizer, json.dumps(list(feats)).encode()), strict=True))
    for name, content in contents.items():
        (directory / name).write_bytes(content)
    fields = {
        "version": TEACHER_VERSION,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()},
        "max_pieces": card.max_pieces,
        "upos": list(card.upos),
        "openings": dict(card.openings),
    }
    text = json.dumps(fields, sort_keys=True, indent=1) + "\n"
    (directory / TEACHER_FILE).write_text(text, encoding="utf-8")


class LogitTeacher(ABC):
    """A teacher that has the logits of all labels; what is kept of them is taken afterwards."""

    @abstractmethod
    def logits(self, sentences: Sequence[EncodedSentence]) -> list[TokenLogits]:
        """Logits of each sentence."""

    def summaries(
        self,
        sentences: Sequence[EncodedSentence],
        options: SummaryOptions,
        *,
        basis: TailBasis | None,
    ) -> list[TokenSummary]:
        """What is kept of each sentence's logits."""
        return [summarise(logits, options, basis=basis) for logits in self.logits(sentences)]


class OnnxTeacher(LogitTeacher):
    """A teacher directory, run by ONNX Runtime on one CPU thread.

    Raises:
        BundleError: A file is missing, damaged or of another version.
    """

    def __init__(self, directory: Path) -> None:
        fields = _read_card(directory)
        contents = {
            name: _checked(directory / name, fields["files"].get(name, "")) for name in _FILES
        }
        self.on_batch: Callable[[BatchReport], None] | None = None
        self.n_waiting = N_WAITING
        self._card = TeacherCard(fields["max_pieces"], tuple(fields["upos"]), fields["openings"])
        self.digest: str = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[
            :16
        ]
        self.upos_labels = self._card.upos
        self.feats_labels: tuple[str, ...] = tuple(json.loads(contents["feats.json"]))
        self._encoder = PieceEncoder(
            contents["tokenizer.json"].decode(),
            max_pieces=self._card.max_pieces,
            openings=self._card.openings,
        )
        self._session = open_session(contents["logits.onnx"], source=str(directory / _FILES[0]))

    def encode(self, sentence: Sentence) -> EncodedSentence:
        """Splits a sentence's tokens into the teacher's wordpieces."""
        return self._encoder.encode(sentence)

    def logits(self, sentences: Sequence[EncodedSentence]) -> list[TokenLogits]:
        """Logits of each sentence."""
        rows = batched_rows(self._encoder, sentences, self._run, on_batch=self.on_batch)
        return [TokenLogits(*arrays) for arrays in rows]

    def _run(self, batch: PieceBatch) -> TokenLogits:
        upos, feats = self._session.run(
            ["upos_logits", "feats_logits"],
            {
                "piece_ids": batch.piece_ids,
                "is_piece": batch.is_piece,
                "first_piece_index": batch.first_piece_index,
                "last_piece_index": batch.last_piece_index,
            },
        )
        return TokenLogits(upos, feats)


def _read_card(directory: Path) -> dict[str, Any]:
    path = directory / TEACHER_FILE
    try:
        fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BundleError(f"{path}: not found; export the teacher's logits first") from error
    except ValueError as error:
        raise BundleError(f"{path}: not JSON ({error})") from error
    if fields.get("version") != TEACHER_VERSION:
        raise BundleError(
            f"{path}: teacher version {fields.get('version')}, expected {TEACHER_VERSION}"
        )
    return fields


def _checked(path: Path, sha256: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: not found") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise BundleError(f"{path}: sha256 {found[:16]}..., {TEACHER_FILE} says {sha256[:16]}...")
    return content
