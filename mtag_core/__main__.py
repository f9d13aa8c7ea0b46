"""Command line of mtag: `python -m mtag_core COMMAND`.

Parses, calls the command's module and turns an `MtagError` into one line on standard error. Command
modules are imported only when called, so that tagging never imports what training needs.
"""

import argparse
import importlib
import sys
from typing import Protocol, cast

from mtag_core.cli.recipes import RECIPES
from mtag_core.errors import InputNotFoundError, MtagError, UsageError


class Command(Protocol):
    """What a command is: a module of `mtag_core.cli`, or a recipe."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Adds the command's flags."""

    def run(self, args: argparse.Namespace) -> int:
        """Runs the command; gives its exit code."""
        ...


# Command -> its one-line help. The module is mtag_core.cli.<name with underscores>.
_MODULES = {
    "tag": "tag a text, a file or standard input",
    "evaluate": "score CoNLL-U files or the tagger itself with the CoNLL 2018 metric",
    "train-segmenters": "train the segmenters of a bundle",
    "label-boundaries": "mark in text where dictionaries or a teacher think that tokens end",
    "label-splits": "split the surface tokens of text as a fine-tuned encoder thinks right",
}
COMMANDS = _MODULES | {name: recipe.help_line for name, recipe in RECIPES.items()}

# What only some commands need.
_PACKAGE_TO_EXTRA = {
    **dict.fromkeys(("torch", "transformers"), "train"),
    **dict.fromkeys(("onnx", "safetensors"), "export"),
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
        return _command(args.command).run(args)
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
            _command(name).add_arguments(subparser)
    return parser


def _command(name: str) -> Command:
    if name in RECIPES:
        return RECIPES[name]
    return cast(Command, importlib.import_module(f"mtag_core.cli.{name.replace('-', '_')}"))


if __name__ == "__main__":
    sys.exit(main())
