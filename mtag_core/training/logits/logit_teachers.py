"""Teachers that give logits for every label of a token: what they share, and a bundle's network.

Windows and batches are those of the `Tagger`, and so are the best labels: the UPOS tag with the
largest logit and, among the FEATS labels that occur with it, the one with the largest logit. Logits
are of all FEATS labels, whichever tag is predicted, as a student's FEATS head is trained on all.

The bundle's graph (`mtag_core.training.export.student_graph`, int8 or float32) gives best labels
only. It is changed as the protocol buffer that it is, so that the `onnx` package is not needed: the
few messages and fields used here are declared below, all others are kept as they are. Source: field
numbers of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

import hashlib
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from numpy.typing import NDArray

from mtag_core.errors import BundleError
from mtag_core.labels import LABELS, UPOS_LABELS, load_labels
from mtag_core.records import Sentence
from mtag_core.tagging.bundle import FORMS, HEADS, TAGGER, Bundle
from mtag_core.tagging.tagged import BatchReport
from mtag_core.tagging.windows import EncodedSentence, batches
from mtag_core.tagging.words import WordModel
from mtag_core.training.logits.logit_shards import ScoredSentence, ShardInfo
from mtag_core.training.logits.soft_targets import (
    LOWEST,
    FeatsSummary,
    SummaryOptions,
    TailBasis,
    relative_logits,
    summarise_feats,
)

# Sentences whose logits are in memory at a time: 46 KB a token with 11,583 FEATS bundles.
N_WAITING = 128

TokenRows = tuple[NDArray[Any], ...]
"""What a model says about some tokens: arrays whose first axis is the tokens."""


class TokenLogits(NamedTuple):
    """A sentence's logits. Shape (n_tokens, n_labels) each, float32."""

    upos: NDArray[np.float32]
    feats: NDArray[np.float32]


class Teacher(ABC):
    """Scores sentences for shards.

    `digest` identifies its weights; `summary` is what is kept of the logits, with `basis`, if any,
    for the sketch of the tail. On a CPU a batch has `piece_budget` pieces, padding included;
    `n_waiting` sentences wait for each other so that batches are of like length. `on_batch` is
    called after each batch with its size and duration.
    """

    digest: str
    upos_labels: tuple[str, ...] = UPOS_LABELS
    feats_labels: tuple[str, ...]
    summary: SummaryOptions = SummaryOptions()
    basis: TailBasis | None = None
    piece_budget: int = 2048
    n_waiting: int = N_WAITING
    on_batch: Callable[[BatchReport], None] | None = None

    @abstractmethod
    def encode(self, sentence: Sentence) -> EncodedSentence:
        """Splits a sentence's tokens into the teacher's wordpieces."""

    @abstractmethod
    def rows(self, sentences: Sequence[EncodedSentence], *, is_whole: bool) -> list[TokenRows]:
        """The UPOS logits of each sentence's tokens, and FEATS logits or their `FeatsSummary`.

        Those of a token do not depend on the others beyond rounding.
        """

    def logits(self, sentences: Sequence[EncodedSentence]) -> list[TokenLogits]:
        """Logits of each sentence."""
        return [TokenLogits(*rows) for rows in self.rows(sentences, is_whole=True)]

    def score(self, sentences: Sequence[EncodedSentence]) -> Iterator[ScoredSentence]:
        """Scores sentences, in order; raises before it returns, or not at all.

        Batches are cut from a fixed number of sentences, so the same sentences give the same bytes.
        """
        scored: list[ScoredSentence] = []
        for start in range(0, len(sentences), self.n_waiting):
            waiting = sentences[start : start + self.n_waiting]
            rows = self.rows(waiting, is_whole=False)
            for encoded, (logits, *summary) in zip(waiting, rows, strict=True):
                upos = tuple(self.upos_labels[label] for label in logits.argmax(axis=1))
                kept = (relative_logits(logits), FeatsSummary(*summary))
                scored.append(ScoredSentence(encoded.sentence, upos, *kept))
        return iter(scored)

    def rows_of_batches(
        self,
        sentences: Sequence[EncodedSentence],
        groups: Iterable[Sequence[int]],
        run: Callable[[Sequence[int]], TokenRows],
        *,
        budget: int,
    ) -> list[TokenRows]:
        """Runs a model over batches of the windows of sentences, with at least one each.

        Batches are indices into all windows of all sentences, each once; `budget` is their size in
        pieces, padding included.
        """
        if not all(each.windows for each in sentences):
            raise ValueError("a sentence without windows")
        flat = [window for each in sentences for window in each.windows]
        starts = np.cumsum([0, *(window.n_tokens for window in flat)])
        kept: list[NDArray[Any]] = []
        for group in groups:
            started_s = time.perf_counter()
            rows = run(group)
            if self.on_batch is not None:
                n_pieces = len(group) * max(flat[index].size for index in group)
                duration_s = time.perf_counter() - started_s
                self.on_batch(BatchReport(len(group), n_pieces, budget, duration_s))
            kept = kept or [np.zeros((starts[-1], *own.shape[1:]), own.dtype) for own in rows]
            where = np.concatenate([np.arange(starts[i], starts[i + 1]) for i in group])
            for of_all, own in zip(kept, rows, strict=True):
                of_all[where] = own
        ends = starts[np.cumsum([len(each.windows) for each in sentences])[:-1]]
        return list(zip(*(np.split(of_all, ends) for of_all in kept), strict=True))

    @property
    def info(self) -> ShardInfo:
        """What the metadata of its shards say."""
        return ShardInfo(
            teacher=self.digest,
            labels=labels_digest(self.upos_labels, self.feats_labels),
            n_upos=len(self.upos_labels),
            n_feats=len(self.feats_labels),
            top_k=min(self.summary.top_k, len(self.feats_labels)),
            temperatures=self.summary.temperatures,
            tail_rank=0 if self.basis is None else self.basis.rank,
            tail_basis="" if self.basis is None else self.basis.digest,
        )


def labels_digest(upos: Sequence[str], feats: Sequence[str]) -> str:
    """First 16 hexadecimal digits of the SHA-256 of two inventories."""
    text = json.dumps([list(upos), list(feats)], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def files_digest(directory: Path, patterns: Sequence[str]) -> str:
    """First 16 hexadecimal digits of the SHA-256 of a directory's files that match, in order."""
    digest = hashlib.sha256()
    for path in chain.from_iterable(sorted(directory.glob(pattern)) for pattern in patterns):
        digest.update(path.name.encode())
        with path.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()[:16]


_FILES = (TAGGER, HEADS, FORMS, "tokenizer.json", LABELS)


class BundleTeacher(Teacher):
    """A bundle's network on one CPU thread; it follows no treebank's conventions.

    A token's logits do not depend on what else is in its batch, to the last bit. `path` is as in
    `Bundle.open`.

    Raises:
        BundleError: It is missing or damaged, or its graph is not one that `export` writes.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        directory = Bundle.open(path).directory
        self.digest = files_digest(directory, _FILES)
        self._labels = load_labels(directory)
        self.upos_labels, self.feats_labels = self._labels.upos, self._labels.feats
        path = directory / HEADS
        heads = with_logit_outputs(path.read_bytes(), self.upos_labels, source=str(path))
        self._network = WordModel.load(directory, heads=heads)

    def encode(self, sentence: Sentence) -> EncodedSentence:
        """Cuts a sentence into the teacher's windows."""
        return EncodedSentence(sentence, self._network.encode(sentence.forms))

    def rows(self, sentences: Sequence[EncodedSentence], *, is_whole: bool) -> list[TokenRows]:
        """Logits of each sentence, or what is kept of them."""
        windows = [window for each in sentences for window in each.windows]
        names = [UPOS_LOGITS, *map(feats_logits_name, self.upos_labels)]

        def run(group: Sequence[int]) -> TokenRows:
            upos, *by_tag = self._network.run(names, [windows[index] for index in group])
            feats = np.full((len(upos), len(self.feats_labels)), LOWEST, np.float32)
            # A label that occurs with several tags has the same logit in each.
            for ids, logits in zip(self._labels.feats_of_upos, by_tag, strict=True):
                feats[:, ids] = logits
            return upos, feats

        groups = batches(windows, piece_budget=self.piece_budget)
        rows = self.rows_of_batches(sentences, groups, run, budget=self.piece_budget)
        if is_whole:
            return rows
        summarise = partial(summarise_feats, options=self.summary, basis=self.basis)
        return [(upos, *summarise(feats)) for upos, feats in rows]


UPOS_LOGITS = "upos_logits"
"""Output of shape (n_tokens, n_upos), float32."""

_PACKAGE = "mtag.onnx"
# Message -> field -> its number and the message it holds, None for a string. Names end in "s" where
# the field is repeated.
_MESSAGES: dict[str, dict[str, tuple[int, str | None]]] = {
    "Model": {"graph": (7, "Graph")},
    "Graph": {"nodes": (1, "Node"), "outputs": (12, "Value")},
    "Node": {
        "inputs": (1, None),
        "outputs": (2, None),
        "op_type": (4, None),
        "attributes": (5, "Attribute"),
    },
    "Attribute": {"name": (1, None), "graph": (6, "Graph")},
    "Value": {"name": (1, None)},
}


def feats_logits_name(tag: str) -> str:
    """Name of the output with the logits of FEATS labels that occur with a UPOS tag.

    Shape (n_tokens, n_labels), float32, the labels as in `Labels.feats_of_upos`.
    """
    return f"feats_logits.{tag}"


def with_logit_outputs(model: bytes, upos: Sequence[str], *, source: str) -> bytes:
    """Makes the logits of a student's heads, a `heads.onnx`, their only outputs.

    These are `UPOS_LOGITS` and, for each tag, `feats_logits_name(tag)`: of every token and every
    tag, where the graph computes those of the predicted tag alone.

    Raises:
        BundleError: It is no graph of a student's heads; the message names `source`.
    """
    try:
        parsed = _model_class().FromString(model)
        _add_logits(parsed.graph, upos)
    except (DecodeError, LookupError, StopIteration) as error:
        raise BundleError(
            f"{source}: {type(error).__name__}: {error}, expected a graph that `export` writes"
        ) from error
    content: bytes = parsed.SerializeToString()
    return content


def _add_logits(graph: Any, upos: Sequence[str]) -> None:  # noqa: ANN401 (protobuf's)
    producers = {name: node for node in graph.nodes for name in node.outputs}
    probs = producers["upos_top_probs"].inputs[0]
    logits = producers[probs].inputs[0]
    # The graph sorts tokens by tag and splits them; what it sorts is in the sentences' order.
    ordered = producers[producers[f"tokens.{upos[0]}"].inputs[0]].inputs[0]
    nodes = _nodes_of_all_labels(graph)
    branches = [list(_branch(nodes, f"tokens.{tag}")) for tag in upos]
    del graph.outputs[:]
    graph.nodes.add(op_type="Identity", inputs=[logits], outputs=[UPOS_LOGITS])
    graph.outputs.add(name=UPOS_LOGITS)
    for tag, branch in zip(upos, branches, strict=True):
        read = ordered
        for number, node in enumerate(branch):
            is_last = number == len(branch) - 1
            copy = graph.nodes.add()
            copy.CopyFrom(node)
            copy.inputs[0] = read
            read = feats_logits_name(tag) if is_last else f"{feats_logits_name(tag)}.{number}"
            copy.outputs[0] = read
        graph.outputs.add(name=feats_logits_name(tag))


def _nodes_of_all_labels(graph: Any) -> Any:  # noqa: ANN401 (protobuf's)
    # A graph that chooses the labels of a language has those of all languages in the other branch.
    attributes = (attribute for node in graph.nodes for attribute in node.attributes)
    branches = (each.graph.nodes for each in attributes if each.name == "else_branch")
    return next(branches, graph.nodes)


def _branch(nodes: Sequence[Any], name: str) -> Iterator[Any]:
    while True:
        node = next(node for node in nodes if node.inputs and node.inputs[0] == name)
        if node.op_type == "ArgMax":
            return
        yield node
        name = node.outputs[0]


@cache
def _model_class() -> Any:  # noqa: ANN401 (protobuf's)
    file = FileDescriptorProto(name="mtag/onnx.proto", package=_PACKAGE, syntax="proto2")
    for message, fields in _MESSAGES.items():
        declared = file.message_type.add(name=message)
        for name, (number, kind) in fields.items():
            repeated = "REPEATED" if name.endswith("s") else "OPTIONAL"
            declared.field.add(
                name=name,
                number=number,
                label=getattr(FieldDescriptorProto, f"LABEL_{repeated}"),
                type=getattr(FieldDescriptorProto, f"TYPE_{'MESSAGE' if kind else 'STRING'}"),
                type_name=f".{_PACKAGE}.{kind}" if kind else None,
            )
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Model"))
