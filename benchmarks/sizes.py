"""Parameters and bytes of each system, with its accuracy and speed where those were measured.

A system whose models are not named keeps the size that was measured last.

    python -m benchmarks sizes [--meta_lstm DIR] [--udpipe DIR]
"""

import json
import math
from collections.abc import Collection
from pathlib import Path
from statistics import mean

import onnx
from tokenizers import Tokenizer

from benchmarks.harness import add_bundle, benchmark_parser, write_record
from benchmarks.paper.facts import load_benchmark, load_facts
from mtag_core.labels import load_labels

_MEGABYTE = 1e6
_MULTILINGUAL = "multilingual"
_STUDENT = "student (the bundle)"
_META_LSTM = "Meta-LSTM, one a treebank"
_META_LSTM_MULTILINGUAL = "Meta-LSTM, multilingual"
_UDPIPE = "UDPipe 1, one a treebank"
_SPEED_NAMES = {
    _STUDENT: "mtag bundle, ONNX Runtime int8",
    _UDPIPE: "UDPipe 1 tagger",
    _META_LSTM_MULTILINGUAL: "Meta-LSTM, torch fp32",
}
_FACTS = {
    _STUDENT: "student-gold",
    _META_LSTM: "meta_lstm-gold",
    _META_LSTM_MULTILINGUAL: "meta_lstm_multilingual-gold",
    _UDPIPE: "udpipe-gold",
}


def main(argv: list[str] | None = None) -> int:
    """Measures and writes."""
    parser = benchmark_parser("sizes", "Parameters and bytes of the systems.")
    add_bundle(parser)
    parser.add_argument(
        "--meta_lstm", type=Path, help="directory of baselines.meta_lstm.train outputs"
    )
    parser.add_argument("--udpipe", type=Path, help="directory of UDPipe taggers")
    args = parser.parse_args(argv)
    sizes = _stored(args.output) | {_STUDENT: _student(args.bundle)}
    if args.meta_lstm:
        finished = {path.parent for path in args.meta_lstm.glob("*/model.safetensors")}
        multilingual = args.meta_lstm / _MULTILINGUAL
        # One a treebank is what a user of 50 languages would need.
        sizes[_META_LSTM] = _meta_lstm(finished - {multilingual}, " a treebank")
        sizes[_META_LSTM_MULTILINGUAL] = _meta_lstm({multilingual}, "")
    if args.udpipe:
        sizes[_UDPIPE] = _udpipe(args.udpipe)
    for name, row in sizes.items():
        row |= _scores(_FACTS[name]) | {"words_per_s": _words_per_s(_SPEED_NAMES.get(name))}
    write_record(sizes, args.output)
    return 0


def _student(bundle: Path) -> dict[str, object]:
    """The bundle's graphs: weights from their initializers, so that what ships is counted."""
    vocabulary = Tokenizer.from_file(str(bundle / "tokenizer.json")).get_vocab_size()
    graphs = [onnx.load(str(path)).graph for path in sorted(bundle.glob("*.onnx"))]
    shapes = [tuple(tensor.dims) for graph in graphs for tensor in graph.initializer]
    embeddings = [shape for shape in shapes if len(shape) == 2 and vocabulary in shape]
    width = next((min(shape) for shape in embeddings), 0)
    total = sum(math.prod(shape) for shape in shapes)
    n_bytes = sum(path.stat().st_size for path in bundle.rglob("*") if path.is_file())
    return {
        "embeddings": f"{width} x {vocabulary:,}",
        "other": f"{(total - width * vocabulary) / 1e6:.1f}M",
        "labels": f"{len(load_labels(bundle).feats):,}",
        "megabytes": round(n_bytes / _MEGABYTE, 1),
    }


def _meta_lstm(directories: Collection[Path], suffix: str) -> dict[str, object]:
    configs = [json.loads((path / "config.json").read_bytes())["config"] for path in directories]
    vectors, weights = (
        [(path / name).stat().st_size for path in directories]
        for name in ("vectors.npy", "model.safetensors")
    )
    n_vectors = sum(config["n_vectors"] for config in configs) // len(configs)
    # Weights are fp32; the header is a few KB.
    n_weights = mean(weights) / 4
    return {
        "embeddings": f"{configs[0]['vector_width']} x {n_vectors:,}{suffix}",
        "other": f"{n_weights / 1e6:.1f}M{suffix}",
        "megabytes": round(sum(vectors + weights) / _MEGABYTE, 1),
    }


def _udpipe(directory: Path) -> dict[str, object]:
    sizes = [path.stat().st_size for path in directory.glob("*.udpipe")]
    return {
        "embeddings": "none",
        "other": f"{len(sizes)} perceptrons",
        "megabytes": round(sum(sizes) / _MEGABYTE, 1),
    }


def _stored(path: Path) -> dict[str, dict[str, object]]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _scores(name: str) -> dict[str, object]:
    facts = load_facts(name)
    upos = facts.mean("UPOS", facts.trained)
    return {"upos": upos and round(upos, 2), "n_treebanks": len(facts.trained)}


def _words_per_s(name: str | None) -> float | None:
    measured = load_benchmark("tag_cpu").get("words_a_sentence", {}).get("32", {})
    return measured[name]["words_per_s"] if name in measured else None
