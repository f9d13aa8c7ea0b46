"""Speed of the torch models on a GPU, a sentence a call: `tag_cpu` without what runs on CPUs alone.

The models are those of `benchmarks.torch_speed`. A call is timed from the wordpieces (the
Meta-LSTM's: from the words) on the CPU to the labels read back.

    python -m benchmarks tag_gpu --text FILE [--meta_lstm DIR]
"""

import argparse
import json
import sys
import time
from pathlib import Path

import torch

from benchmarks.machine import interleaved_words_per_s, machine, shown_command
from benchmarks.torch_speed import (
    SENTENCE_WORDS,
    bert_systems,
    cut_sentences,
    medians,
    meta_lstm_system,
    read_words,
)

_DEFAULT_BUNDLE = Path(__file__).parents[1] / "mtag_core" / "bundles" / "default"


def main(argv: list[str] | None = None) -> int:
    """Measures and writes."""
    args = _parser().parse_args(argv)
    # cuDNN, which runs the LSTMs, would otherwise round to TF32 where torch itself does not.
    torch.backends.cudnn.allow_tf32 = False
    words = read_words(args.text)
    measured = {str(n): _measure(words, n, args) for n in SENTENCE_WORDS}
    record = {
        "what": "words per wall-clock second, one sentence a call",
        "device": _device_name(args.device),
        "machine": machine(),
        "command": shown_command("tag_gpu", argv),
        "words_a_sentence": measured,
    }
    args.output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(measured, indent=1))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Speed of the torch models on a GPU.")
    parser.add_argument("--text", type=Path, required=True, help="a sentence a line, plain or .xz")
    parser.add_argument("--output", type=Path, default=Path("docs/benchmarks/tag_gpu.json"))
    parser.add_argument("--bundle", type=Path, default=_DEFAULT_BUNDLE)
    parser.add_argument("--meta_lstm", type=Path, help="a directory of baselines.meta_lstm.train")
    parser.add_argument("--device", default="cuda", help="torch device; default: cuda")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="of a measurement")
    return parser


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
    return medians(rates)


def _device_name(device: str) -> str:
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device


if __name__ == "__main__":
    sys.exit(main())
