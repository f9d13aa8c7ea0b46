"""Command line of mtag: `python -m mtag_core COMMAND`.

Parses, calls the command's module and turns an `MtagError` into one line on standard error. Command
modules are imported only when called, so that tagging never imports what training needs.
"""

import argparse
import importlib
import sys
from types import ModuleType

from mtag_core.errors import InputNotFoundError, MtagError, UsageError

# Command -> its one-line help. The module is mtag_core.cli.<name with underscores>.
COMMANDS = {
    "export": "make the bundle that tagging loads from a trained student",
    "export-teacher": "make a trained model answer with all its logits, for teacher_logits",
    "unpack-bundle": "turn a bundle's student back into a model that finetune goes on with",
    "tag": "tag a text, a file or standard input",
    "evaluate": "score CoNLL-U files or the tagger itself with the CoNLL 2018 metric",
    "train-segmenters": "train the segmenters of a bundle",
    "train-langid": "train the language identifier of a bundle",
    "train-meta-lstm": "train the Meta-LSTM baseline",
    "train-vocabulary": "train the student's WordPiece vocabulary",
    "train-teacher": "fine-tune a pretrained encoder on treebanks",
    "label-boundaries": "mark in text where dictionaries or a teacher think that tokens end",
    "label-splits": "split the surface tokens of text as a fine-tuned encoder thinks right",
    "encode-text": "encode segmented text for distillation, once",
    "distill": "train a student on what teachers say about text",
    "finetune": "go on with a distilled student, on treebank labels",
    "adapt": "go on with a student on treebank labels alone",
    "learn-conventions": "teach a student the conventions of treebanks, for users who name one",
    "average-models": "write the weighted mean of two students of one ancestor",
}

# What only some commands need.
_PACKAGE_TO_EXTRA = {
    **dict.fromkeys(("onnx", "safetensors", "torch", "transformers"), "train"),
    **dict.fromkeys(("fugashi", "jieba", "opencc"), "dictionaries"),
}


def main(argv: list[str] | None = None) -> int:
    """Runs one command.

    Returns:
        The exit code: 0 done, 1 failed, 2 called wrongly.
    """
    argv = sys.argv[1:] if argv is None else argv
    parser = _parser(argv)
    args = parser.parse_args(argv)
    try:
        return int(_module(args.command).run(args))
    except (UsageError, InputNotFoundError) as error:
        print(f"mtag: {error}", file=sys.stderr)
        return 2
    except MtagError as error:
        print(f"mtag: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _PACKAGE_TO_EXTRA:
            raise
        extra = _PACKAGE_TO_EXTRA[package]
        print(
            f"mtag: {args.command} needs {package}: python -m pip install '.[{extra}]'",
            file=sys.stderr,
        )
        return 1
    except BrokenPipeError:
        # The reader of a pipe, such as `head`, has seen enough.
        sys.stderr.close()
        return 0


def _parser(argv: list[str]) -> argparse.ArgumentParser:
    """Builds the parser; only the called command's module adds its flags."""
    parser = argparse.ArgumentParser(prog="python -m mtag_core", description="Tags text.")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    called = next((word for word in argv if not word.startswith("-")), None)
    for name, help_line in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=help_line, description=help_line)
        if name == called:
            _module(name).add_arguments(subparser)
    return parser


def _module(command: str) -> ModuleType:
    """Imports the module of a command."""
    return importlib.import_module(f"mtag_core.cli.{command.replace('-', '_')}")


if __name__ == "__main__":
    sys.exit(main())
