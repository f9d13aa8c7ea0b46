"""`encode-text`: encodes segmented text once for student and teacher, for `distill`."""

import argparse
from pathlib import Path

from mtag_core.cli.training_options import start_logging


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's flags."""
    add = parser.add_argument
    add("--text", type=Path, required=True, help="directory of LANGUAGE.tokens[.xz] files")
    add("--student_tokenizer", type=Path, required=True, help="tokenizer.json")
    add("--teacher_tokenizer", type=Path, required=True, help="tokenizer.json")
    add("--output", type=Path, required=True, help="directory for the arrays")
    add("--max_pieces", type=int, default=256, help="of a sentence (default: %(default)s)")
    add("--processes", type=int, default=1, help="worker processes (default: %(default)s)")
    add("--verbose", "-v", action="store_true", help="log more")


def run(args: argparse.Namespace) -> int:
    """Encodes and prints the counts."""
    from mtag_core.training.data.texts import encode_text

    start_logging(args)
    text = encode_text(
        args.text,
        student_tokenizer=args.student_tokenizer,
        teacher_tokenizer=args.teacher_tokenizer,
        max_pieces=args.max_pieces,
        n_processes=args.processes,
    )
    text.save(args.output)
    n_tokens, n_languages = int(text.student.n_tokens.sum()), len(text.languages)
    print(
        f"{len(text.student)} sentences, {n_tokens} tokens, {n_languages} languages  {args.output}"
    )
    return 0
