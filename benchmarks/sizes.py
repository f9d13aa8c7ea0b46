"""Parameters and bytes of each system, with its accuracy and speed where those were measured.

python -m benchmarks.sizes [--meta_lstm DIR] [--udpipe DIR] [--teacher FILE]
"""

import argparse
import json
import math
import sys
from pathlib import Path

import onnx
from tokenizers import Tokenizer

from benchmarks.paper.facts import load_facts
from benchmarks.paper.systems import DEFAULT_BUNDLE

_MEGABYTE = 1e6
_SPEED_NAMES = {
    "student (the bundle)": "mtag bundle, ONNX Runtime int8",
    "UDPipe 1, one a treebank": "UDPipe 1 tagger",
    "Meta-LSTM, one a treebank": "Meta-LSTM, torch fp32",
}


def main(argv: list[str] | None = None) -> int:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description="Sizes of the systems.")
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE)
    parser.add_argument("--meta_lstm", type=Path, help="directory of train-meta-lstm outputs")
    parser.add_argument("--udpipe", type=Path, help="directory of UDPipe taggers")
    parser.add_argument("--output", type=Path, default=Path("docs/benchmarks/sizes.json"))
    args = parser.parse_args(argv)
    sizes = {"student (the bundle)": _student(args.bundle)}
    if args.meta_lstm:
        sizes["Meta-LSTM, one a treebank"] = _meta_lstm(args.meta_lstm)
    if args.udpipe:
        sizes["UDPipe 1, one a treebank"] = _udpipe(args.udpipe)
    for name, row in sizes.items():
        row["words_per_s"] = _words_per_s(_SPEED_NAMES[name])
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.write_text(json.dumps(sizes, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(sizes, indent=1))
    return 0


def _student(bundle: Path) -> dict[str, object]:
    """The bundle's graph: weights from its initializers, so that what ships is counted."""
    vocabulary = Tokenizer.from_file(str(bundle / "tokenizer.json")).get_vocab_size()
    model = onnx.load(str(bundle / "tagger.onnx"))
    shapes = [tuple(tensor.dims) for tensor in model.graph.initializer]
    embeddings = [shape for shape in shapes if len(shape) == 2 and vocabulary in shape]
    width = next((min(shape) for shape in embeddings), 0)
    total = sum(math.prod(shape) for shape in shapes)
    n_bytes = sum(path.stat().st_size for path in bundle.rglob("*") if path.is_file())
    return {
        "embeddings": f"{width} x {vocabulary:,}",
        "other": f"{(total - width * vocabulary) / 1e6:.1f}M",
        "megabytes": round(n_bytes / _MEGABYTE, 1),
        "upos": _upos("student-gold"),
    }


def _meta_lstm(directory: Path) -> dict[str, object]:
    """All models together: one a treebank is what a user of 50 languages would need."""
    configs = [json.loads(path.read_text()) for path in directory.glob("*/config.json")]
    vectors = sum(record["config"]["n_vectors"] for record in configs)
    width = configs[0]["config"]["vector_width"]
    weights = [path.stat().st_size // 4 for path in directory.glob("*/model.safetensors")]
    return {
        "embeddings": f"{width} x {vectors // len(configs):,} a treebank",
        "other": f"{sum(weights) / len(weights) / 1e6:.1f}M a treebank",
        "megabytes": round((sum(weights) * 4 + vectors * width * 2) / _MEGABYTE, 1),
        "upos": _upos("meta_lstm-gold"),
    }


def _udpipe(directory: Path) -> dict[str, object]:
    """All taggers together."""
    sizes = [path.stat().st_size for path in directory.glob("*.udpipe")]
    return {
        "embeddings": "none",
        "other": f"{len(sizes)} perceptrons",
        "megabytes": round(sum(sizes) / _MEGABYTE, 1),
        "upos": _upos("udpipe-gold"),
    }


def _upos(name: str) -> float | None:
    """Macro UPOS of stored scores."""
    facts = load_facts(name)
    mean = facts.mean("UPOS") if facts else None
    return None if mean is None else round(mean, 2)


def _words_per_s(name: str) -> float | None:
    """Speed at 32 words, where it was measured."""
    path = Path("docs/benchmarks/tag_cpu.json")
    if not path.exists():
        return None
    measured = json.loads(path.read_text(encoding="utf-8"))["words_a_sentence"]["32"]
    return measured[name]["words_per_s"] if name in measured else None


if __name__ == "__main__":
    sys.exit(main())
