"""Speed of tagging alone, a sentence a call, against BERT-base: on one core, and on a GPU.

Every system gets the same words. BERT has 12 layers of width 768 and one head for UPOS; MiniBERT
has the paper's layers, the bundle's wordpieces and both heads. Their weights are random, and their
wordpieces are made beforehand and not timed; the bundle's are. On a GPU the torch models are
measured alone: a call is timed from the wordpieces (the Meta-LSTM's: from the words) on the CPU to
the labels read back.

    python -m benchmarks tag_cpu --text FILE [--segmenter FILE --udpipe FILE] [--meta_lstm DIR]
    python -m benchmarks tag_gpu --text FILE [--meta_lstm DIR]
"""

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle
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
    interleaved,
    medians,
    run_benchmark,
    words_per_s,
)
from mtag_core.labels import load_labels
from mtag_core.tagging.tagger import Tagger

_Item = TypeVar("_Item")
_Systems = dict[str, Callable[[], int]]
_SENTENCE_WORDS = (32, 128)
_N_SENTENCES = 64
_BERT = "BERT-base, torch fp32"
_MULTILINGUAL_VOCABULARY = 119_547


def on_cpu(argv: list[str] | None = None) -> int:
    """Measures all systems on one core and writes."""
    parser = benchmark_parser("tag_cpu", "Speed of tagging alone on one core.")
    _add_flags(parser)
    parser.add_argument("--segmenter", type=Path, help="a UDPipe tokenizer, timed with --udpipe")
    parser.add_argument("--udpipe", type=Path, help="a UDPipe tagger of the text's language")
    return run_benchmark(parser, _record_cpu, argv)


def on_gpu(argv: list[str] | None = None) -> int:
    """Measures the torch models on a GPU and writes."""
    parser = benchmark_parser("tag_gpu", "Speed of the torch models on a GPU.")
    _add_flags(parser)
    parser.add_argument("--device", default="cuda", help="torch device; default: cuda")
    return run_benchmark(parser, _record_gpu, argv)


def _add_flags(parser: argparse.ArgumentParser) -> None:
    add_text(parser)
    add_bundle(parser)
    parser.add_argument("--meta_lstm", type=Path, help="a directory of baselines.meta_lstm.train")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="of a measurement")


def _record_cpu(args: argparse.Namespace) -> dict[str, object]:
    torch.set_num_threads(1)
    return {
        "what": "words per CPU second, one thread, one sentence a call",
        "words_a_sentence": _measure(
            args,
            lambda sentences: torch_systems(sentences, args, "cpu") | _systems(sentences, args),
            time.process_time,
        ),
    }


def _record_gpu(args: argparse.Namespace) -> dict[str, object]:
    # cuDNN, which runs the LSTMs, would otherwise round to TF32 where torch itself does not.
    torch.backends.cudnn.allow_tf32 = False
    device = args.device
    return {
        "what": "words per wall-clock second, one sentence a call",
        "device": torch.cuda.get_device_name(device) if device.startswith("cuda") else device,
        "words_a_sentence": _measure(
            args, lambda sentences: torch_systems(sentences, args, device), time.perf_counter
        ),
    }


def _measure(
    args: argparse.Namespace,
    systems_of: Callable[[Sequence[list[str]]], _Systems],
    clock: Callable[[], float],
) -> dict[str, dict[str, dict[str, float]]]:
    words = [word for line in first_lines(args.text, 1000) for word in line.split()]
    found = {}
    for n_words in _SENTENCE_WORDS:
        systems = systems_of(cut_sentences(words, n_words))
        measure = {
            name: partial(words_per_s, system, min_s=args.seconds, clock=clock)
            for name, system in systems.items()
        }
        rates = interleaved(measure, n_rounds=args.rounds)
        found[str(n_words)] = medians(rates, base=_BERT, ratio="over_bert", digits=1)
    return found


def cut_sentences(words: Sequence[str], n_words: int) -> list[list[str]]:
    """Cuts a text into sentences of one length, 64 at most."""
    starts = range(0, len(words) - n_words, n_words)
    return [list(words[start : start + n_words]) for start in starts][:_N_SENTENCES]


def in_turn(items: Sequence[_Item], tag: Callable[[_Item], int]) -> Callable[[], int]:
    """A function that tags the next item at each call."""
    following = cycle(items)
    return lambda: tag(next(following))


def torch_systems(
    sentences: Sequence[list[str]], args: argparse.Namespace, device: str
) -> _Systems:
    """BERT-base, MiniBERT and the Meta-LSTM; each call tags the next sentence, gives its words."""
    tokenizer = Tokenizer.from_file(str(args.bundle / "tokenizer.json"))
    pieces = [_pieces(tokenizer, sentence) for sentence in sentences]
    n_feats = len(load_labels(args.bundle).feats)
    bert = _TorchTagger(BertConfig(vocab_size=_MULTILINGUAL_VOCABULARY), n_labels=17, device=device)
    mini_config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=256,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=1024,
    )
    mini = _TorchTagger(mini_config, n_labels=17 + n_feats, device=device)
    systems = {_BERT: in_turn(pieces, bert.tag), "MiniBERT, torch fp32": in_turn(pieces, mini.tag)}
    if args.meta_lstm:
        from benchmarks.baselines.meta_lstm.training import MetaLstmTagger

        meta = MetaLstmTagger.load(args.meta_lstm, device)
        systems["Meta-LSTM, torch fp32"] = in_turn(
            sentences, lambda forms: sum(map(len, meta.tag_tokens([forms])))
        )
    return systems


def _systems(sentences: Sequence[list[str]], args: argparse.Namespace) -> _Systems:
    tagger = Tagger.load(str(args.bundle))
    systems = {
        "mtag bundle, ONNX Runtime int8": in_turn(
            sentences, lambda forms: sum(map(len, tagger.tag_tokens([forms])))
        ),
        f"mtag bundle, {_N_SENTENCES} sentences a call": lambda: sum(
            map(len, tagger.tag_tokens(sentences))
        ),
    }
    if args.udpipe:
        from benchmarks.baselines.udpipe import UdpipeTagger

        udpipe = UdpipeTagger(args.udpipe, segmenter=args.segmenter)

        def tag(forms: list[str]) -> int:
            udpipe.tag(forms)
            return len(forms)

        def tag_text(forms: list[str]) -> int:
            udpipe.tag_text(" ".join(forms))
            return len(forms)

        systems["UDPipe 1 tagger"] = in_turn(sentences, tag)
        if args.segmenter:
            systems["UDPipe 1 tokenizer and tagger, raw text"] = in_turn(sentences, tag_text)
    return systems


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
