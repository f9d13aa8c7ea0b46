"""The commands of `mtag`: which there are, and how a command line becomes a call of one.

A command's module is imported only when it is called, so that tagging never imports what training
needs. Jobs on Apache Beam are added by `pipelines`, which is above this package.

What trains is a recipe: a module of `mtag_core.training` with `run(options) -> str`, what to print
at the end. Errors of flags are one line that says what to do.
"""

import argparse
import difflib
import importlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, NoReturn

from mtag_core import __version__
from mtag_core.cli.logs import start_logging
from mtag_core.errors import UsageError
from mtag_core.options import Flags
from mtag_core.training.options import (
    AdapterOptions,
    AdaptOptions,
    AverageOptions,
    BundleTrainingOptions,
    CorpusOptions,
    DistillOptions,
    ExportOptions,
    FinetuneOptions,
    LabelOptions,
    LangidOptions,
    TeacherTrainingOptions,
    TextOptions,
    UnpackBundleOptions,
)
from mtag_core.training.segmenter_options import (
    LabelBoundariesOptions,
    LabelSplitsOptions,
    TrainSegmentersOptions,
)

# Names that are as close as this are taken for slips, however close those of others are.
_CLOSE = 0.7
# What only some commands need.
_PACKAGE_TO_EXTRA = {
    **dict.fromkeys(("torch", "transformers"), "train"),
    **dict.fromkeys(("onnx", "safetensors"), "export"),
    **dict.fromkeys(("fugashi", "opencc", "rjieba", "unidic_lite"), "dictionaries"),
    **dict.fromkeys(("apache_beam", "pyarrow"), "corpus"),
    **dict.fromkeys(("prometheus_client", "python_multipart", "starlette", "uvicorn"), "serve"),
}


class FlagParser(argparse.ArgumentParser):
    """Raises `UsageError` instead of printing the usage and leaving; takes no shortened flags."""

    def __init__(self, *, prog: str, **arguments: Any) -> None:  # noqa: ANN401
        super().__init__(prog=prog, allow_abbrev=False, **arguments)

    def error(self, message: str) -> NoReturn:
        """Raises the message."""
        raise UsageError(f"{message}; see --help")

    @property
    def flags(self) -> list[str]:
        """The names of all flags that the help shows."""
        shown = (action for action in self._actions if action.help is not argparse.SUPPRESS)
        return [flag for action in shown for flag in action.option_strings]

    def parse_all(self, argv: Sequence[str]) -> argparse.Namespace:
        """Parses a command line on which nothing may be left over.

        Raises:
            UsageError: A flag is unknown, missing or has a wrong value.
        """
        self.check_names(argv)
        args, rest = self.parse_known_args(list(argv))
        if rest:
            raise UsageError(f"unexpected argument {rest[0]!r}; see --help")
        return args

    def check_names(self, argv: Sequence[str], *, others: Collection[str] = ()) -> None:
        """Raises for an unknown flag; said first, since a misspelt flag is then missing, too."""
        for word in takewhile(lambda word: word != "--", argv):
            name = word.partition("=")[0]
            # As argparse has it, a word with a space is a value.
            is_flag = name.startswith("--") and " " not in name
            if is_flag and name not in self._option_string_actions and name not in others:
                raise UsageError(f"unknown flag {name}; {hint(name, self.flags, others)}")


def hint(name: str, own: Iterable[str], others: Iterable[str] = ()) -> str:
    """What to do about an unknown name; a close one is looked for among `own` names first."""
    own = list(own)
    near = difflib.get_close_matches(name, own, n=1, cutoff=_CLOSE) or difflib.get_close_matches(
        name, [*own, *others], n=1
    )
    return f"did you mean {near[0]}?" if near else "see --help"


@dataclass(frozen=True, slots=True)
class Command:
    """One command of one or two words; the first of two is the group.

    `run` takes the program's name with the command's, and all words that follow, and returns the
    exit code. `older` is another name, which is not shown.
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


def _command(
    name: str, help_line: str, start: Callable[[FlagParser, Sequence[str]], int], older: str = ""
) -> Command:
    def run(prog: str, argv: Sequence[str]) -> int:
        parser = FlagParser(prog=prog, description=f"{help_line[0].upper()}{help_line[1:]}.")
        try:
            return start(parser, argv)
        except ModuleNotFoundError as error:
            raise missing_extra(name, error) from error

    return Command(name, help_line, run, older)


def _from_module(name: str, help_line: str) -> Command:
    def start(parser: FlagParser, argv: Sequence[str]) -> int:
        module = importlib.import_module(f"mtag_core.cli.{name}")
        module.add_arguments(parser)
        return int(module.run(parser.parse_all(argv)))

    return _command(name, help_line, start)


def _recipe(
    name: str,
    module: str,
    options: type[Any],
    help_line: str,
    *,
    older: str = "",
    is_verbose: bool = False,
) -> Command:
    flags = Flags(options)

    def start(parser: FlagParser, argv: Sequence[str]) -> int:
        flags.add_to(parser)
        parser.add_argument("--verbose", "-v", action="store_true", help="log more")
        args = parser.parse_all(argv)
        # Those that take hours say on the way what they do.
        start_logging(is_verbose=args.verbose or is_verbose)
        recipe = importlib.import_module(f"mtag_core.training.{module}")
        if message := recipe.run(flags.parse(args)):
            print(message)
        return 0

    return _command(name, help_line, start, older or name.replace(" ", "-"))


def missing_extra(name: str, error: ModuleNotFoundError) -> Exception:
    """The error for a command whose packages are not installed; names the extra that has them."""
    package = (error.name or "").partition(".")[0]
    if package not in _PACKAGE_TO_EXTRA:
        return error
    extra = _PACKAGE_TO_EXTRA[package]
    return UsageError(f"{name} needs {package}: python -m pip install '.[{extra}]'")


COMMANDS = (
    _from_module("tag", "tag a text, a file or standard input"),
    _from_module("evaluate", "score CoNLL-U files or the tagger itself with the CoNLL 2018 metric"),
    _from_module("serve", "tag what comes over HTTP, with UDPipe's REST parameters, and on a page"),
    _recipe(
        "train bundle",
        "recipes.bundle_training",
        BundleTrainingOptions,
        "make a bundle from treebanks, text and an encoder, in stages",
        is_verbose=True,
    ),
    _recipe(
        "train langid",
        "langid",
        LangidOptions,
        "train the language identifier of a bundle",
        is_verbose=True,
    ),
    _recipe(
        "train segmenters",
        "segmenters.training",
        TrainSegmentersOptions,
        "train the segmenters of a bundle and the common words of languages",
        is_verbose=True,
    ),
    _recipe(
        "train teacher",
        "recipes.label_training",
        TeacherTrainingOptions,
        "fine-tune a pretrained encoder on treebanks",
    ),
    _recipe(
        "train corpus",
        "data.corpus",
        CorpusOptions,
        "read treebanks once, with lemma rules, for teachers and students",
        older="read-treebanks",
        is_verbose=True,
    ),
    _recipe(
        "train text",
        "data.text",
        TextOptions,
        "segment text, train the student's vocabulary, encode both",
        older="prepare-text",
        is_verbose=True,
    ),
    _recipe(
        "train labels",
        "recipes.labelling",
        LabelOptions,
        "let teachers label treebanks and text for students",
        older="label-words",
    ),
    _recipe(
        "train distill",
        "recipes.distillation",
        DistillOptions,
        "train a student on what teachers labelled, or on shards of logits",
        older="distill",
    ),
    _recipe(
        "train finetune",
        "recipes.distillation",
        FinetuneOptions,
        "train a distilled student further, on treebanks above all",
        older="finetune",
    ),
    _recipe(
        "train adapters",
        "recipes.adapters",
        AdapterOptions,
        "fit a student's treebank adapters, styles and temperatures",
        older="fit-adapters",
    ),
    _recipe(
        "train adapt",
        "recipes.label_training",
        AdaptOptions,
        "train a student further, on treebank labels alone",
        older="adapt",
    ),
    _recipe(
        "train average-models",
        "networks.trained_model",
        AverageOptions,
        "write the weighted mean of two students of one ancestor",
        older="average-models",
    ),
    _recipe(
        "label boundaries",
        "segmenters.encoder_labels",
        LabelBoundariesOptions,
        "mark in text where a fine-tuned teacher predicts that tokens end",
        is_verbose=True,
    ),
    _recipe(
        "label splits",
        "segmenters.encoder_labels",
        LabelSplitsOptions,
        "split the surface tokens of text as a fine-tuned encoder predicts",
        is_verbose=True,
    ),
    _recipe(
        "bundle export",
        "export.bundle",
        ExportOptions,
        "make the bundle that tagging loads from a trained student",
        older="export",
        is_verbose=True,
    ),
    _recipe(
        "bundle unpack",
        "export.unpack_bundle",
        UnpackBundleOptions,
        "turn a bundle's student back into a model that finetune goes on with",
        older="unpack-bundle",
    ),
)


def call(argv: Sequence[str], *, prog: str, commands: Sequence[Command] = COMMANDS) -> int:
    """Calls what a command line names; prints the help or the version where it asks for them.

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
