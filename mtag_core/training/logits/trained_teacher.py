"""Teachers that torch runs, on any device.

What shards keep is computed where the logits are, so that a GPU hands over some hundred bytes a
token and not the logits of thousands of FEATS bundles.

`TrainedTeacher` runs a model directory that `train teacher` wrote, `HuggingFaceTeacher` a
token-classification directory of Hugging Face's format: its labels say what it knows, `NOUN`,
`NOUN|Number=Sing` (UPOS and FEATS together) or `Number=Sing`. Logits of joint labels are summed
(log-sum-exp) over what they share.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from mtag_core.errors import BundleError, CheckpointError
from mtag_core.labels import UPOS_LABELS
from mtag_core.records import Sentence, bare_sentence
from mtag_core.tagging.windows import EncodedSentence, cut
from mtag_core.training.data.datasets import PAD_MULTIPLE, WordSentences, cut_batches
from mtag_core.training.data.pieces import DeviceSentences, FormPieces, SpecialPieces
from mtag_core.training.logits.logit_teachers import N_WAITING, Teacher, TokenRows, files_digest
from mtag_core.training.logits.soft_targets import LARGEST_CODE, LOWEST, TailBasis
from mtag_core.training.networks.model import Batch, TaggerLogits
from mtag_core.training.networks.model_files import Network

TRAINED_FILES = ("config.json", "tokenizer.json", "feats.json", "model.safetensors")
_HUGGING_FACE_FILES = ("config.json", "tokenizer.json", "*.safetensors", "*.bin")
_PIECE_BUDGET = 16384
# A GPU wants full batches, and of its logits only a summary comes to the host.
_N_WAITING_ON_GPU = 1024
# A label that no class of the model carries.
_ABSENT_LOGIT = -1e4


@dataclass(frozen=True, slots=True)
class _Window:
    """Tokens that are read at once, as pieces, and the piece that opens them, 0 for the usual."""

    tokens: list[list[int]]
    opening: int

    @property
    def size(self) -> int:
        """Number of wordpieces, the opening and the closing one included."""
        return sum(map(len, self.tokens)) + 2

    @property
    def n_tokens(self) -> int:
        """Number of tokens."""
        return len(self.tokens)


class _TorchTeacher(Teacher):
    """Runs a model of wordpieces, which is called with a `Batch`.

    A sentence over the limit is read in several windows. `openings` are the pieces that open
    sentences of some languages in the place of the usual one.
    """

    def __init__(
        self,
        model: nn.Module,
        tokenizer: Path,
        *,
        max_pieces: int,
        device: str,
        openings: Mapping[str, int] | None = None,
    ) -> None:
        self._device = torch.device(device)
        self._model = model.eval().to(self._device)
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._special = SpecialPieces.load(tokenizer)
        self._max_inner, self._openings = max_pieces - 2, openings or {}
        self._moved_basis: tuple[TailBasis, list[Tensor]] | None = None
        self.n_waiting = N_WAITING if self._device.type == "cpu" else _N_WAITING_ON_GPU

    def encode(self, sentence: Sentence) -> EncodedSentence:
        """The sentence's windows; each token is in one, cut to the limit if it alone exceeds it."""
        encoding = self._tokenizer.encode(
            list(sentence.forms), is_pretokenized=True, add_special_tokens=False
        )
        pieces: list[list[int]] = [[] for _ in sentence.forms]
        for piece, word in zip(encoding.ids, encoding.word_ids, strict=True):
            if word is not None and len(pieces[word]) < self._max_inner:
                pieces[word].append(piece)
        opening = self._openings.get(sentence.language, 0)
        ranges = cut(list(map(len, pieces)), max_size=self._max_inner, overlap=0)
        windows = [_Window(pieces[first:last], opening) for _, _, first, last in ranges]
        return EncodedSentence(sentence, windows)

    def rows(self, sentences: Sequence[EncodedSentence], *, is_whole: bool) -> list[TokenRows]:
        """Logits of each sentence, or what is kept of them: equal logits in any order."""
        heads = ("upos", "feats")
        take = (
            (lambda logits: [logits[head].float() for head in heads]) if is_whole else self._summary
        )
        return self._rows(sentences, take)

    def best_labels(
        self, sentences: Sequence[Sequence[str]], *, treebank: str | None = None
    ) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
        """The best UPOS and FEATS of every token, as a treebank has them if one is named."""
        bare = (bare_sentence(tuple(forms), language=treebank or "und") for forms in sentences)
        rows = self._rows(
            list(map(self.encode, bare)),
            lambda logits: [logits["upos"].argmax(-1), logits["feats"].argmax(-1)],
        )
        of_upos, of_feats = self.upos_labels, self.feats_labels
        return [
            (tuple(of_upos[label] for label in upos), tuple(of_feats[label] for label in feats))
            for upos, feats in rows
        ]

    def _rows(
        self, sentences: Sequence[EncodedSentence], take: Callable[[TaggerLogits], list[Tensor]]
    ) -> list[TokenRows]:
        windows = [window for each in sentences for window in each.windows]
        tokens = [pieces for window in windows for pieces in window.tokens]
        forms = FormPieces(
            np.array(list(chain.from_iterable(tokens)), np.int32),
            np.array(list(map(len, tokens)), np.int32),
        )
        # Each token is a form of its own: windows have the pieces already.
        n_tokens = np.array([window.n_tokens for window in windows], np.int32)
        words = WordSentences(np.arange(len(tokens), dtype=np.int32), n_tokens)
        openings = np.array([window.opening for window in windows], np.int64)
        on_device = DeviceSentences(
            words, forms, self._special, device=self._device, treebank_tokens=openings
        )

        def run(group: Sequence[int]) -> TokenRows:
            with torch.inference_mode():
                parts = take(self._model(on_device.batch(np.array(group))))
                return tuple(part.cpu().numpy() for part in parts)

        batches = cut_batches(on_device.lengths, piece_budget=_PIECE_BUDGET)
        groups = map(np.ndarray.tolist, batches)
        return self.rows_of_batches(sentences, groups, run, budget=_PIECE_BUDGET)

    def _summary(self, logits: TaggerLogits) -> list[Tensor]:
        feats = logits["feats"].float()
        relative = feats - feats.amax(-1, keepdim=True)
        top, label_ids = relative.topk(min(self.summary.top_k, feats.shape[-1]), dim=-1)
        others = relative.scatter(-1, label_ids, -torch.inf)
        rest = torch.stack([(others / t).logsumexp(-1) for t in self.summary.temperatures], -1)
        return [
            logits["upos"].float(),
            label_ids.to(torch.uint16),
            top.clamp(min=LOWEST).half(),
            rest,
            self._sketch(feats),
        ]

    def _sketch(self, feats: Tensor) -> Tensor:
        basis = self.basis
        if basis is None:
            return torch.zeros(len(feats), 0, dtype=torch.int8)
        if self._moved_basis is None or self._moved_basis[0] is not basis:
            arrays = (basis.weights, basis.mean, basis.directions, basis.scales)
            moved = [torch.from_numpy(a.astype(np.float32)).to(self._device) for a in arrays]
            self._moved_basis = (basis, moved)
        weights, mean, directions, scales = self._moved_basis[1]
        centred = feats - (feats @ weights)[:, None] - mean
        codes = ((centred * weights) @ directions.T / scales).round()
        return codes.clamp(-LARGEST_CODE, LARGEST_CODE).to(torch.int8)


class TrainedTeacher(_TorchTeacher):
    """Runs a teacher or student of wordpieces as training left it; in bfloat16 on a GPU.

    It can follow its `treebanks`.

    Raises:
        CheckpointError: The directory is none of `mtag_core.training.networks.model_files`.
    """

    def __init__(self, directory: Path, *, device: str = "cpu") -> None:
        if not all((directory / name).exists() for name in TRAINED_FILES):
            raise CheckpointError(f"{directory}: expected {', '.join(TRAINED_FILES)}")
        network = Network.load_teacher(directory, device=torch.device(device))
        metadata = network.metadata
        # A treebank's name stands for itself, beside the languages.
        followed = metadata.conventions | {name: name for name in metadata.treebanks}
        pieces = metadata.treebank_pieces
        is_half = torch.device(device).type == "cuda"
        super().__init__(
            network.model.to(torch.bfloat16) if is_half else network.model,
            network.tokenizer,
            max_pieces=metadata.max_pieces,
            device=device,
            openings={code: pieces[name] for code, name in followed.items() if name in pieces},
        )
        self.digest = files_digest(directory, TRAINED_FILES)
        self.feats_labels, self.treebanks = network.feats, metadata.treebanks


class HuggingFaceTeacher(_TorchTeacher):
    """Runs `AutoModelForTokenClassification` on first wordpieces.

    Raises:
        BundleError: The directory, written by `save_pretrained`, with a `tokenizer.json`, cannot be
            loaded, or its labels are no tags.
    """

    def __init__(self, directory: Path, *, device: str = "cpu") -> None:
        from transformers import AutoModelForTokenClassification

        tokenizer = directory / "tokenizer.json"
        if not tokenizer.exists():
            raise BundleError(f"{directory}: not a token-classification model: no {tokenizer.name}")
        try:
            model: Any = AutoModelForTokenClassification.from_pretrained(
                str(directory), local_files_only=True
            )
        except (OSError, ValueError) as error:
            raise BundleError(f"{directory}: not a token-classification model: {error}") from error
        labels = [model.config.id2label[index] for index in range(model.config.num_labels)]
        pairs = [_split_label(label) for label in labels]
        if not any(upos for upos, _ in pairs):
            raise BundleError(
                f"{directory}: labels such as {labels[0]!r} are no tags; "
                "expected UPOS or UPOS|FEATS"
            )
        self.feats_labels = tuple(dict.fromkeys(["_", *(feats for _, feats in pairs if feats)]))
        limit = int(getattr(model.config, "max_position_embeddings", 512) or 512)
        tagger = _PooledLabels(model, pairs, (self.upos_labels, self.feats_labels))
        # RoBERTa's positions begin behind the padding index; batches are padded.
        most = min(limit - 2, 512) // PAD_MULTIPLE * PAD_MULTIPLE
        super().__init__(tagger, tokenizer, max_pieces=most, device=device)
        self.digest = files_digest(directory, _HUGGING_FACE_FILES)


class _PooledLabels(nn.Module):
    """Gives the logits of tags from those of classes that are one or two tags each."""

    def __init__(
        self,
        model: nn.Module,
        pairs: Sequence[tuple[str, str]],
        inventories: tuple[tuple[str, ...], tuple[str, ...]],
    ) -> None:
        super().__init__()
        self.model = model
        # Of UPOS and FEATS: for each label the classes that carry it.
        self._classes = [
            [[column for column, own in enumerate(of_class) if own == label] for label in labels]
            for of_class, labels in zip(zip(*pairs, strict=True), inventories, strict=True)
        ]

    def forward(self, batch: Batch) -> TaggerLogits:
        """Tags a batch."""
        output = self.model(input_ids=batch.piece_ids, attention_mask=batch.is_piece.long())
        logits = output.logits.flatten(0, 1)[batch.first_piece_index].float()
        absent = logits.new_full((len(logits),), _ABSENT_LOGIT)
        upos, feats = (
            torch.stack(
                [logits[:, own].logsumexp(-1) if own else absent for own in classes], dim=-1
            ).clamp(min=_ABSENT_LOGIT)
            for classes in self._classes
        )
        return {"upos": upos, "feats": feats}


def _split_label(label: str) -> tuple[str, str]:
    upos, separator, feats = label.partition("|")
    if upos in UPOS_LABELS:
        return upos, feats if separator else "_"
    return "", label if "=" in label or label == "_" else ""
