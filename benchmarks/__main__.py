"""Runs benchmarks: `python -m benchmarks NAME [flags]`; without a name, lists them."""

import importlib
import sys

BENCHMARKS = {
    "tag_cpu": "words per second of tagging alone, against BERT-base and others",
    "tag_gpu": "words per second of tagging alone on a GPU, against BERT-base",
    "annotate": "words per second and memory from raw text to parts",
    "parallel": "seconds of annotate on a small corpus with one worker and with two",
    "scale": "words per second and memory of a long run on a Flink cluster",
    "serve": "requests a second and latency of `mtag serve`",
    "segment_kinds": "segmentation of text as people write it, by kind, against others",
    "unicode_forms": "whether UPOS is the same in capitals, NFD and full width",
    "raw_cpu": "words per second from raw text to tags, against UDPipe 1 and spaCy",
    "wikitext": "megabytes per second of reading and cleaning MediaWiki dumps",
    "agreement": "how often students say what their teacher says",
    "sizes": "parameters and bytes of each system",
    "paper.student": "scores the bundle in every setting, then writes tables and figures",
    "paper.score": "scores of a system on treebanks",
    "baselines.udpipe": "trains UDPipe 1 taggers",
    "baselines.meta_lstm.train": "trains the Meta-LSTM",
    "baselines.encoder": "fine-tunes one encoder a treebank",
    "paper.tables": "writes docs/results.md",
    "paper.figures": "writes the figures of docs/",
}

"""What each measures."""

# Function of a module, for benchmarks that are not the `main` of the module with their name.
_FUNCTIONS = {
    "paper.student": "paper.score.score_student",
    "parallel": "annotate.parallel",
    "scale": "annotate.scale",
    "tag_cpu": "tag_speed.on_cpu",
    "tag_gpu": "tag_speed.on_gpu",
}


def function_of(name: str) -> tuple[str, str]:
    """The module and the function of a benchmark."""
    module, _, function = _FUNCTIONS.get(name, f"{name}.main").rpartition(".")
    return f"benchmarks.{module}", function


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark that is named first."""
    argv = sys.argv[1:] if argv is None else argv
    if not argv or argv[0] not in BENCHMARKS:
        width = max(map(len, BENCHMARKS))
        for name, line in BENCHMARKS.items():
            print(f"{name.ljust(width)}  {line}")
        return 0 if not argv else 2
    name, *rest = argv
    sys.argv = [f"benchmarks.{name}", *rest]
    module, function = function_of(name)
    return int(getattr(importlib.import_module(module), function)())


if __name__ == "__main__":
    sys.exit(main())
