"""Scores the bundle in every setting that the tables show, then writes tables and figures.

Settings: gold tokens; raw text with the language identified, with the language given, and cut by
the treebank's segmenter; both in the default style and with the treebank told; code-mixed text with
and without the second-best label in place of X.

    python -m benchmarks paper.student --data data [--workers 2]
"""

import argparse
from pathlib import Path

from benchmarks import sizes
from benchmarks.paper import figures, score, tables
from mtag_core.evaluation.treebanks import SEGMENTERS
from mtag_core.tagging.bundle import DEFAULT_BUNDLE


def main(argv: list[str] | None = None) -> int:
    """Runs all settings."""
    parser = argparse.ArgumentParser(description="Scores the bundle for all tables.")
    parser.add_argument("--data", type=Path, required=True, help="folder with ud and codeswitch")
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE)
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args(argv)
    common = ["student", "--bundle", str(args.bundle), "--workers", str(args.workers)]
    treebanks = ["--treebanks", f"{args.data}/ud/*/*-test.conllu.xz"]
    mixed = ["--treebanks", f"{args.data}/codeswitch/*-test.conllu.xz"]
    score.main([*common, *treebanks])
    score.main([*common, *treebanks, "--document_sentences", "10"])
    for segmenter in SEGMENTERS:
        score.main([*common, *treebanks, "--raw", "--segmenter", segmenter])
    for style in ("--default_style", "--gold_treebank"):
        score.main([*common, *treebanks, style])
        score.main([*common, *treebanks, "--raw", style])
    if args.bundle == DEFAULT_BUNDLE:
        free = ["student", "--bundle", "free", "--workers", str(args.workers), *treebanks]
        score.main([*free, "--name", "student-free-gold"])
        score.main([*free, "--raw", "--name", "student-free-raw"])
    score.main([*common, *mixed, "--name", "student-codemixed"])
    score.main([*common, *mixed, "--replace_x", "--name", "student-codemixed-x"])
    sizes.main(["--bundle", str(args.bundle)])
    figures.main()
    return tables.main([])
