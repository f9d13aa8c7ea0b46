"""The commands of `mtag`: which there are, and how a command line becomes a call of one.

A command's module is imported only when it is called, so that tagging never imports what training
needs. Jobs on Apache Beam are added by `pipelines`, which is above this package.
"""

import argparse
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from mtag_core import __version__
from mtag_core.cli.flag_parser import FlagParser, hint
from mtag_core.cli.recipes import RECIPES, Recipe
from mtag_core.errors import UsageError

# What only some commands need.
_PACKAGE_TO_EXTRA = {
    **dict.fromkeys(("torch", "transformers"), "train"),
    **dict.fromkeys(("onnx", "safetensors"), "export"),
    **dict.fromkeys(("apache_beam", "pyarrow"), "corpus"),
    **dict.fromkeys(("prometheus_client", "python_multipart", "starlette", "uvicorn"), "serve"),
}


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Attributes:
        name: One or two words; the first of two is the group.
        help: One line.
        run: Takes the program's name with the command's, and all words that follow; returns the
            exit code.
        older: Another name of one word, which is not shown.
    """

    name: str
    help: str
    run: Callable[[str, Sequence[str]], int]
    older: str = ""


# First word of a command of two words -> title in the help.
_TITLES = {
    "": "tagging and scoring",
    "train": "training",
    "label": "training data",
    "bundle": "model bundles",
}
# Name, module in this package, help.
_MODULES = (
    ("tag", "tag", "tag a text, a file or standard input"),
    (
        "evaluate",
        "evaluate",
        "score CoNLL-U files or the tagger itself with the CoNLL 2018 metric",
    ),
    ("serve", "serve", "tag what comes over HTTP, with UDPipe's REST parameters, and on a page"),
)


class _Handler(Protocol):
    """What does the work of a command: a module of this package, or a recipe."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Adds the command's flags."""

    def run(self, args: argparse.Namespace) -> int:
        """Does the work; gives the exit code."""
        ...


def _from_module(name: str, module: str, help_line: str) -> Command:
    def load() -> _Handler:
        return cast(_Handler, importlib.import_module(f"mtag_core.cli.{module}"))

    older = module.replace("_", "-")
    return _command(name, help_line, load, older="" if older == name else older)


def _command(name: str, help_line: str, load: Callable[[], _Handler], *, older: str) -> Command:
    def run(prog: str, argv: Sequence[str]) -> int:
        parser = FlagParser(prog=prog, description=f"{help_line[0].upper()}{help_line[1:]}.")
        try:
            handler = load()
            handler.add_arguments(parser)
            return handler.run(parser.parse_all(argv))
        except ModuleNotFoundError as error:
            raise missing_extra(name, error) from error

    return Command(name, help_line, run, older)


def _from_recipe(name: str, recipe: Recipe) -> Command:
    return _command(name, recipe.help_line, lambda: recipe, older=recipe.older)


def missing_extra(name: str, error: ModuleNotFoundError) -> Exception:
    """The error for a command whose packages are not installed; names the extra, if one has them.

    Args:
        name: The command.
        error: From an import.
    """
    package = (error.name or "").partition(".")[0]
    if package not in _PACKAGE_TO_EXTRA:
        return error
    extra = _PACKAGE_TO_EXTRA[package]
    return UsageError(f"{name} needs {package}: python -m pip install '.[{extra}]'")


COMMANDS = (
    *(_from_module(*row) for row in _MODULES),
    *(_from_recipe(*item) for item in RECIPES.items()),
)


def call(argv: Sequence[str], *, prog: str, commands: Sequence[Command] = COMMANDS) -> int:
    """Calls what a command line names; prints the help or the version where it asks for them.

    Args:
        argv: All words after the program's name.
        prog: The program's name.
        commands: Those that can be called, in the order of the help.

    Returns:
        The exit code of the command.

    Raises:
        UsageError: No command is named, or an unknown one.
    """
    words = list(argv)
    name, rest = " ".join(words[:2]), words[2:]
    for command in commands:
        if command.name == name:
            return command.run(f"{prog} {command.name}", rest)
        if words and words[0] in (command.name, command.older):
            return command.run(f"{prog} {words[0]}", words[1:])
    if words and words[0] == "--version":
        print(f"mtag {__version__}")
        return 0
    inside = words[0] if words and words[0] in _TITLES else ""
    chosen = [each for each in commands if _group(each) == inside or not inside]
    if {"-h", "--help"} & set(words[1 if inside else 0 :][:1]):
        print(_help(chosen, prog=prog))
        return 0
    raise UsageError(_complaint(words[1:] if inside else words, chosen))


def _group(command: Command) -> str:
    return command.name.partition(" ")[0] if " " in command.name else ""


def _help(commands: Sequence[Command], *, prog: str) -> str:
    width = max(len(command.name) for command in commands)
    lines = [f"usage: {prog} COMMAND ...", "", "Tags text of about 50 languages."]
    for group, title in _TITLES.items():
        members = [command for command in commands if _group(command) == group]
        rows = [f"  {command.name:{width}}  {command.help}" for command in members]
        lines += ["", f"{title}:", *rows] if rows else []
    return "\n".join([*lines, "", "COMMAND --help shows a command's flags, --version the version."])


def _complaint(words: Sequence[str], commands: Sequence[Command]) -> str:
    names = [command.name for command in commands]
    if not words:
        groups = dict.fromkeys(f"{group} ..." for group in map(_group, commands) if group)
        singles = [name for name in names if " " not in name]
        return f"name a command: {', '.join([*singles, *groups] if singles else names)}"
    if words[0].startswith("-"):
        return f"unknown flag {words[0]!r}; {hint(words[0], ['--help', '--version'])}"
    ends = [name.rpartition(" ")[2] for name in names]
    return f"unknown command {words[0]!r}; {hint(words[0], [*names, *ends])}"
