"""The commands of `mtag`: which there are, and how a command line becomes a call of one.

A command's module is imported only when it is called, so that tagging never imports what training
needs. Jobs on Apache Beam are added by `pipelines`, which is above this package.
"""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mtag_core import __version__
from mtag_core.cli.flag_parser import FlagParser, hint
from mtag_core.errors import MtagError, UsageError

# What only some commands need.
_PACKAGE_TO_EXTRA = {
    **dict.fromkeys(("torch", "transformers"), "train"),
    **dict.fromkeys(("onnx", "safetensors"), "export"),
    **dict.fromkeys(("fugashi", "jieba", "opencc"), "dictionaries"),
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
_ROWS = (
    ("tag", "tag", "tag a text, a file or standard input"),
    (
        "evaluate",
        "evaluate",
        "score CoNLL-U files or the tagger itself with the CoNLL 2018 metric",
    ),
    ("train langid", "train_langid", "train the language identifier of a bundle"),
    ("train segmenters", "train_segmenters", "train the segmenters of a bundle"),
    ("train vocabulary", "train_vocabulary", "train the student's WordPiece vocabulary"),
    ("train teacher", "train_teacher", "fine-tune a pretrained encoder on treebanks"),
    ("train encode-text", "encode_text", "encode segmented text for distillation, once"),
    ("train distill", "distill", "train a student on what teachers predict for text"),
    ("train finetune", "finetune", "go on with a distilled student, on treebank labels"),
    ("train adapt", "adapt", "go on with a student on treebank labels alone"),
    (
        "train treebank-styles",
        "learn_conventions",
        "learn how treebanks of a language differ, for users who name one",
    ),
    (
        "train average-models",
        "average_models",
        "write the weighted mean of two students of one ancestor",
    ),
    ("train meta-lstm", "train_meta_lstm", "train the Meta-LSTM baseline"),
    (
        "label boundaries",
        "label_boundaries",
        "mark in text where dictionaries or a teacher predict that tokens end",
    ),
    (
        "label splits",
        "label_splits",
        "split the surface tokens of text as a fine-tuned encoder predicts",
    ),
    (
        "bundle export",
        "export",
        "make the bundle that tagging loads from a trained student",
    ),
    (
        "bundle export-teacher",
        "export_teacher",
        "make a trained model give all its logits, for teacher_logits",
    ),
    (
        "bundle unpack",
        "unpack_bundle",
        "turn a bundle's student back into a model that training goes on with",
    ),
)


def _from_row(name: str, module: str, help_line: str) -> Command:
    def run(prog: str, argv: Sequence[str]) -> int:
        parser = FlagParser(prog=prog, description=f"{help_line[0].upper()}{help_line[1:]}.")
        try:
            command = importlib.import_module(f"mtag_core.cli.{module}")
            command.add_arguments(parser)
            return int(command.run(parser.parse_all(argv)))
        except ModuleNotFoundError as error:
            raise _missing_extra(name, error) from error

    older = module.replace("_", "-")
    return Command(name, help_line, run, "" if older == name else older)


def _missing_extra(name: str, error: ModuleNotFoundError) -> Exception:
    package = (error.name or "").partition(".")[0]
    if package not in _PACKAGE_TO_EXTRA:
        return error
    extra = _PACKAGE_TO_EXTRA[package]
    return MtagError(f"{name} needs {package}: python -m pip install '.[{extra}]'")


COMMANDS = tuple(_from_row(*row) for row in _ROWS)


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
    """What is wrong with words that name no command."""
    names = [command.name for command in commands]
    if not words:
        groups = dict.fromkeys(f"{group} ..." for group in map(_group, commands) if group)
        singles = [name for name in names if " " not in name]
        return f"name a command: {', '.join([*singles, *groups] if singles else names)}"
    if words[0].startswith("-"):
        return f"unknown flag {words[0]!r}; {hint(words[0], ['--help', '--version'])}"
    ends = [name.rpartition(" ")[2] for name in names]
    return f"unknown command {words[0]!r}; {hint(words[0], [*names, *ends])}"
