"""Speed of tagging alone on one core: the bundle against BERT-base and others, a sentence a call.

Every system gets the same words. For the two torch models of `benchmarks.tag_gpu`, whose
weights are random, wordpieces are made beforehand and not timed; the bundle's are timed.

    python -m benchmarks tag_cpu --text FILE [--segmenter FILE --udpipe FILE] [--meta_lstm DIR]
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from benchmarks.harness import (
    add_bundle,
    add_text,
    benchmark_parser,
    interleaved_words_per_s,
    medians,
    run_benchmark,
)
from benchmarks.tag_gpu import (
    BERT,
    N_SENTENCES,
    SENTENCE_WORDS,
    bert_systems,
    cut_sentences,
    in_turn,
    meta_lstm_system,
    read_words,
)
from mtag_core.tagging.tagger import Tagger

_BATCHED = f"mtag bundle, {N_SENTENCES} sentences a call"


def main(argv: list[str] | None = None) -> int:
    """Measures and writes."""
    parser = benchmark_parser("tag_cpu", "Speed of tagging alone on one core.")
    add_text(parser)
    add_bundle(parser)
    parser.add_argument("--other_bundle", type=Path, help="a bundle to measure beside it")
    parser.add_argument("--segmenter", type=Path, help="a UDPipe tokenizer, timed with --udpipe")
    parser.add_argument("--udpipe", type=Path, help="a UDPipe tagger of the text's language")
    parser.add_argument("--meta_lstm", type=Path, help="a directory of baselines.meta_lstm.train")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="CPU time of a measurement")
    return run_benchmark(parser, _record, argv)


def _record(args: argparse.Namespace) -> dict[str, object]:
    torch.set_num_threads(1)
    words = read_words(args.text)
    return {
        "what": "words per CPU second, one thread, one sentence a call",
        "words_a_sentence": {str(n): _measure(words, n, args) for n in SENTENCE_WORDS},
    }


def _measure(
    words: list[str], n_words: int, args: argparse.Namespace
) -> dict[str, dict[str, float]]:
    systems = _systems(cut_sentences(words, n_words), args)
    rates = interleaved_words_per_s(systems, n_rounds=args.rounds, min_s=args.seconds)
    return medians(rates, base=BERT, ratio="over_bert", digits=1)


def _systems(
    sentences: Sequence[list[str]], args: argparse.Namespace
) -> dict[str, Callable[[], int]]:
    tagger = Tagger.load(str(args.bundle))
    systems = bert_systems(sentences, bundle=args.bundle)
    systems |= {
        "mtag bundle, ONNX Runtime int8": in_turn(
            sentences, lambda forms: sum(map(len, tagger.tag_tokens([forms])))
        ),
        _BATCHED: lambda: sum(map(len, tagger.tag_tokens(sentences))),
    }
    if args.other_bundle:
        other = Tagger.load(str(args.other_bundle))
        systems[f"other bundle, {N_SENTENCES} sentences a call"] = lambda: sum(
            map(len, other.tag_tokens(sentences))
        )
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
    if args.meta_lstm:
        systems |= meta_lstm_system(sentences, directory=args.meta_lstm)
    return systems
