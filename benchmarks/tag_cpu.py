"""Speed of tagging alone on one core: the bundle against BERT-base and others, a sentence a call.

Every system gets the same words. For the two torch models, whose weights are random, wordpieces
are made beforehand and not timed; the bundle's are timed. BERT has 12 layers of width 768 and one
head for UPOS; MiniBERT has the bundle's sizes and both heads.

    python -m benchmarks tag_cpu --text FILE [--segmenter FILE --udpipe FILE] [--meta_lstm DIR]
"""

import argparse
import json
import lzma
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import torch
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

from benchmarks.machine import interleaved_words_per_s, machine, ratios, shown_command
from mtag_core.tagger import Tagger

_Item = TypeVar("_Item")
_MULTILINGUAL_VOCABULARY = 119_547
_SENTENCE_WORDS = (32, 128)
_N_SENTENCES = 64
_BATCHED = f"mtag bundle, {_N_SENTENCES} sentences a call"
_DEFAULT_BUNDLE = Path(__file__).parents[1] / "mtag_core" / "bundles" / "default"


def main(argv: list[str] | None = None) -> int:
    """Measures and writes."""
    args = _parser().parse_args(argv)
    torch.set_num_threads(1)
    words = _words(args.text)
    measured = {str(n): _measure(words, n, args) for n in _SENTENCE_WORDS}
    record = {
        "what": "words per CPU second, one thread, one sentence a call",
        "machine": machine(),
        "command": shown_command("tag_cpu", argv),
        "words_a_sentence": measured,
    }
    args.output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(measured, indent=1))
    return 0


def _parser() -> argparse.ArgumentParser:
    """Builds the parser."""
    parser = argparse.ArgumentParser(description="Speed of tagging alone on one core.")
    parser.add_argument("--text", type=Path, required=True, help="a sentence a line, plain or .xz")
    parser.add_argument("--output", type=Path, default=Path("docs/benchmarks/tag_cpu.json"))
    parser.add_argument("--bundle", type=Path, default=_DEFAULT_BUNDLE)
    parser.add_argument("--segmenter", type=Path, help="a UDPipe tokenizer, timed with --udpipe")
    parser.add_argument("--udpipe", type=Path, help="a UDPipe tagger of the text's language")
    parser.add_argument("--meta_lstm", type=Path, help="a directory of train-meta-lstm")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="CPU time of a measurement")
    return parser


def _words(path: Path) -> list[str]:
    """Reads the words of a text, a few thousand."""
    opened = lzma.open(path, "rt", encoding="utf-8") if path.suffix == ".xz" else path.open()
    with opened as stream:
        return [word for _, line in zip(range(1000), stream, strict=False) for word in line.split()]


def _measure(words: list[str], n_words: int, args: argparse.Namespace) -> dict[str, object]:
    """Measures all systems on sentences of one length."""
    sentences = [words[i : i + n_words] for i in range(0, len(words) - n_words, n_words)]
    sentences = sentences[:_N_SENTENCES]
    rates = interleaved_words_per_s(
        _systems(sentences, args), n_rounds=args.rounds, min_s=args.seconds
    )
    to_bert = ratios(rates, base="BERT-base, torch fp32")
    return {
        name: {
            "words_per_s": round(statistics.median(values)),
            "over_bert": round(to_bert[name], 1),
        }
        for name, values in rates.items()
    }


def _systems(
    sentences: Sequence[list[str]], args: argparse.Namespace
) -> dict[str, Callable[[], int]]:
    """One function a system; each call takes the next sentence."""
    tagger = Tagger.load(str(args.bundle))
    tokenizer = Tokenizer.from_file(str(args.bundle / "tokenizer.json"))
    pieces = [_pieces(tokenizer, sentence) for sentence in sentences]
    labels = json.loads((args.bundle / "labels.json").read_text(encoding="utf-8"))
    bert = _TorchTagger(BertConfig(vocab_size=_MULTILINGUAL_VOCABULARY), n_labels=17)
    mini_config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=256,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=1024,
    )
    mini = _TorchTagger(mini_config, n_labels=17 + len(labels["feats"]))
    systems: dict[str, Callable[[], int]] = {
        "BERT-base, torch fp32": _in_turn(pieces, bert.tag),
        "MiniBERT, torch fp32": _in_turn(pieces, mini.tag),
        "mtag bundle, ONNX Runtime int8": _in_turn(
            sentences, lambda forms: sum(map(len, tagger.tag_tokens([forms])))
        ),
        _BATCHED: lambda: sum(map(len, tagger.tag_tokens(sentences))),
    }
    if args.udpipe:
        from benchmarks.udpipe_speed import UdpipeTagger

        udpipe = UdpipeTagger(args.udpipe, segmenter=args.segmenter)
        systems["UDPipe 1 tagger"] = _in_turn(sentences, udpipe.tag)
        if args.segmenter:
            systems["UDPipe 1 tokenizer and tagger, raw text"] = _in_turn(sentences, udpipe.run)
    if args.meta_lstm:
        from mtag_core.training.meta_lstm.training import MetaLstmTagger

        meta = MetaLstmTagger.load(args.meta_lstm)
        systems["Meta-LSTM, torch fp32"] = _in_turn(
            sentences, lambda forms: sum(map(len, meta.tag_tokens([forms])))
        )
    return systems


def _in_turn(items: Sequence[_Item], tag: Callable[[_Item], int]) -> Callable[[], int]:
    """A function that tags the next item at each call."""
    position = -1

    def tag_next() -> int:
        nonlocal position
        position = (position + 1) % len(items)
        return tag(items[position])

    return tag_next


def _pieces(tokenizer: Tokenizer, sentence: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """Wordpiece ids of a sentence and the place of each word's first one."""
    encoding = tokenizer.encode(sentence, is_pretokenized=True)
    firsts = [i for i, word in enumerate(encoding.word_ids) if word is not None]
    firsts = [i for i in firsts if i == 0 or encoding.word_ids[i] != encoding.word_ids[i - 1]]
    return torch.tensor([encoding.ids]), torch.tensor(firsts)


class _TorchTagger:
    """An encoder of random weights with a linear head on first wordpieces."""

    def __init__(self, config: BertConfig, *, n_labels: int) -> None:
        """Makes the model."""
        torch.manual_seed(0)
        self._encoder = BertModel(config, add_pooling_layer=False).eval()
        self._head = torch.nn.Linear(config.hidden_size, n_labels)

    def tag(self, pieces: tuple[torch.Tensor, torch.Tensor]) -> int:
        """Tags a sentence and returns its number of words."""
        ids, firsts = pieces
        with torch.inference_mode():
            hidden = self._encoder(ids % self._encoder.config.vocab_size).last_hidden_state
            labels = self._head(hidden[0, firsts]).argmax(-1)
        return len(labels)


if __name__ == "__main__":
    sys.exit(main())
