"""Speed of torch models on a GPU, a sentence a call: BERT-base, MiniBERT, Meta-LSTM.

BERT has 12 layers of width 768 and one head for UPOS; MiniBERT has the bundle's sizes and both
heads. Their weights are random, and their wordpieces are made beforehand. A call is timed from the
wordpieces (the Meta-LSTM's: from the words) on the CPU to the labels read back. `tag_cpu` measures
the same models on a CPU.

    python -m benchmarks tag_gpu --text FILE [--meta_lstm DIR]
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import torch
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

from benchmarks.harness import (
    add_bundle,
    add_text,
    benchmark_parser,
    first_lines,
    interleaved_words_per_s,
    medians,
    run_benchmark,
)
from mtag_core.labels import load_labels

_Item = TypeVar("_Item")
SENTENCE_WORDS = (32, 128)
"""Lengths of the sentences."""

N_SENTENCES = 64
"""Sentences of one length."""

BERT = "BERT-base, torch fp32"
"""What the others are compared with."""

_MULTILINGUAL_VOCABULARY = 119_547


def read_words(path: Path) -> list[str]:
    """Reads the words of a text, a few thousand.

    Args:
        path: A sentence a line, plain or `.xz`.
    """
    return [word for line in first_lines(path, 1000) for word in line.split()]


def cut_sentences(words: Sequence[str], n_words: int) -> list[list[str]]:
    """Cuts a text into sentences of one length, `N_SENTENCES` at most."""
    starts = range(0, len(words) - n_words, n_words)
    return [list(words[start : start + n_words]) for start in starts][:N_SENTENCES]


def in_turn(items: Sequence[_Item], tag: Callable[[_Item], int]) -> Callable[[], int]:
    """A function that tags the next item at each call."""
    position = -1

    def tag_next() -> int:
        nonlocal position
        position = (position + 1) % len(items)
        return tag(items[position])

    return tag_next


def bert_systems(
    sentences: Sequence[list[str]], *, bundle: Path, device: str = "cpu"
) -> dict[str, Callable[[], int]]:
    """BERT-base and MiniBERT; each call tags the next sentence and returns its number of words.

    Args:
        sentences: Words of each sentence.
        bundle: Gives wordpieces and the number of labels.
        device: A torch device, such as `cuda`.
    """
    tokenizer = Tokenizer.from_file(str(bundle / "tokenizer.json"))
    pieces = [_pieces(tokenizer, sentence) for sentence in sentences]
    n_feats = len(load_labels(bundle).feats)
    bert = _TorchTagger(BertConfig(vocab_size=_MULTILINGUAL_VOCABULARY), n_labels=17, device=device)
    mini_config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=256,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=1024,
    )
    mini = _TorchTagger(mini_config, n_labels=17 + n_feats, device=device)
    return {
        BERT: in_turn(pieces, bert.tag),
        "MiniBERT, torch fp32": in_turn(pieces, mini.tag),
    }


def meta_lstm_system(
    sentences: Sequence[list[str]], *, directory: Path, device: str = "cpu"
) -> dict[str, Callable[[], int]]:
    """The Meta-LSTM, called like those of `bert_systems`."""
    from benchmarks.baselines.meta_lstm.training import MetaLstmTagger

    meta = MetaLstmTagger.load(directory, device)
    tag = in_turn(sentences, lambda forms: sum(map(len, meta.tag_tokens([forms]))))
    return {"Meta-LSTM, torch fp32": tag}


def _pieces(tokenizer: Tokenizer, sentence: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    encoding = tokenizer.encode(sentence, is_pretokenized=True)
    firsts = [i for i, word in enumerate(encoding.word_ids) if word is not None]
    firsts = [i for i in firsts if i == 0 or encoding.word_ids[i] != encoding.word_ids[i - 1]]
    return torch.tensor([encoding.ids]), torch.tensor(firsts)


class _TorchTagger:
    """An encoder of random weights with a linear head on first wordpieces."""

    def __init__(self, config: BertConfig, *, n_labels: int, device: str) -> None:
        torch.manual_seed(0)
        self._device = device
        self._encoder = BertModel(config, add_pooling_layer=False).eval().to(device)
        self._head = torch.nn.Linear(config.hidden_size, n_labels).to(device)

    def tag(self, pieces: tuple[torch.Tensor, torch.Tensor]) -> int:
        """Tags a sentence and returns its number of words."""
        ids, firsts = (tensor.to(self._device) for tensor in pieces)
        with torch.inference_mode():
            hidden = self._encoder(ids % self._encoder.config.vocab_size).last_hidden_state
            # Read back, since a call of a GPU returns before the work is done.
            labels = self._head(hidden[0, firsts]).argmax(-1).tolist()
        return len(labels)


def main(argv: list[str] | None = None) -> int:
    """Measures and writes."""
    parser = benchmark_parser("tag_gpu", "Speed of the torch models on a GPU.")
    add_text(parser)
    add_bundle(parser)
    parser.add_argument("--meta_lstm", type=Path, help="a directory of baselines.meta_lstm.train")
    parser.add_argument("--device", default="cuda", help="torch device; default: cuda")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="of a measurement")
    return run_benchmark(parser, _record, argv)


def _record(args: argparse.Namespace) -> dict[str, object]:
    # cuDNN, which runs the LSTMs, would otherwise round to TF32 where torch itself does not.
    torch.backends.cudnn.allow_tf32 = False
    words = read_words(args.text)
    return {
        "what": "words per wall-clock second, one sentence a call",
        "device": _device_name(args.device),
        "words_a_sentence": {str(n): _measure(words, n, args) for n in SENTENCE_WORDS},
    }


def _measure(
    words: list[str], n_words: int, args: argparse.Namespace
) -> dict[str, dict[str, float]]:
    sentences = cut_sentences(words, n_words)
    systems = bert_systems(sentences, bundle=args.bundle, device=args.device)
    if args.meta_lstm:
        systems |= meta_lstm_system(sentences, directory=args.meta_lstm, device=args.device)
    rates = interleaved_words_per_s(
        systems, n_rounds=args.rounds, min_s=args.seconds, clock=time.perf_counter
    )
    return medians(rates, base=BERT, ratio="over_bert", digits=1)


def _device_name(device: str) -> str:
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device
