"""What the documents say is so: commands, flags, links, the version, the README's examples."""

import ast
import doctest
import importlib.util
import re
import shlex
import tomllib
from functools import cache
from typing import cast

import pytest

import mtag_core
from mtag_core.__main__ import COMMANDS
from mtag_core.__main__ import main as mtag_main
from mtag_core.errors import UsageError
from pipelines import annotate
from pipelines.options import check_beam_flags, parse_options
from pipelines.teacher_options import parse_teacher_options
from tests.source_tree import ROOT

DOCUMENTS = sorted(
    path.relative_to(ROOT)
    for pattern in ("*.md", "docs/**/*.md", "benchmarks/*.md", "deploy/**/*.md")
    for path in ROOT.glob(pattern)
)
# What stands in for a value: in capitals, or cut short.
_COMMAND = re.compile(r"`(python -m [^`]+)`|^\s*(?:\w+=\S+ )?(python -m .+?)$", re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")
_FLAG = re.compile(r"--[a-z]\w+(?:-\w+)*")
# A flag that is spoken of by itself or with its value, not in a whole command.
_CODE = re.compile(r"`(--[^`]+)`")
# What else has flags, told from its source.
_SCRIPTS = ("deploy.flink.cluster", "benchmarks.paper.score", "docs.examples.tag_messages")
_OTHERS = ("pip", "pytest", "venv")
# Benchmarks whose flags are made from a dataclass.
_WITH_OPTIONS = ("baselines.meta_lstm.train",)


def _text(document):
    return (ROOT / document).read_text(encoding="utf-8")


def _commands(document):
    """The words of every command, from `python -m` on; continued lines are joined."""
    text = _text(document).replace("\\\n", " ")
    for match in _COMMAND.finditer(text):
        words = shlex.split(match[1] or match[2], comments=True)
        if "torch.distributed.run" in words:
            words = words[words.index("-m", 2) - 1 :]
        yield words[2:]


ALL_COMMANDS = [
    pytest.param(words, id=f"{document}: {' '.join(words)[:60]}")
    for document in DOCUMENTS
    for words in _commands(document)
    if words[0] not in _OTHERS
]


@cache
def _help(*words):
    """The flags that a program's help shows."""
    with pytest.MonkeyPatch.context() as patch:
        lines = []
        patch.setattr("argparse.ArgumentParser.print_help", lambda parser: lines.append(parser))
        with pytest.raises(SystemExit):
            _show_help(*words)
        return frozenset(flag for action in lines[0]._actions for flag in action.option_strings)


def _show_help(module, *words):
    if module == "mtag_core":
        mtag_main([*words, "--help"])
    elif module == "benchmarks":
        importlib.import_module(f"benchmarks.{words[0]}").main(["--help"])
    elif module == "pipelines.annotate":
        parse_options(["--help"])
    else:
        parse_teacher_options(["--help"])


def _source_flags(module):
    """The flags that stand in a module's source, where its help needs what is not installed."""
    path = str(importlib.util.find_spec(module).origin)
    with open(path, encoding="utf-8") as source:
        tree = ast.parse(source.read())
    strings = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {text for text in strings if isinstance(text, str) and _FLAG.fullmatch(text)}


def _flags(words):
    """The flags of a command; those behind a bare `--` are another's."""
    own = words[: words.index("--")] if "--" in words else words
    return {flag[0] for word in own if (flag := _FLAG.match(word))}


@pytest.mark.parametrize("words", ALL_COMMANDS)
def test_commands_name_modules_and_flags_that_exist(words):
    module, *rest = words
    known = {"--help"}
    if module == "mtag_core":
        if not rest or rest[0].startswith("-"):
            return
        assert rest[0] in COMMANDS
        known |= _help(module, rest[0])
    elif module.startswith("pipelines."):
        known |= _help(module)
        others = [f"{flag}=1" for flag in sorted(_flags(rest) - known)]
        check_beam_flags(others, known=sorted(known))
        return
    elif module == "benchmarks" and rest and rest[0] in _WITH_OPTIONS:
        known |= _help(module, rest[0])
    elif module == "benchmarks" and rest and not rest[0].startswith("-"):
        known |= _source_flags(f"benchmarks.{rest[0]}")
    else:
        known |= _source_flags(module)
    assert _flags(rest) - known == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_flags_named_alone_exist(document):
    named = {flag for code in _CODE.findall(_text(document)) for flag in _FLAG.findall(code)}
    ours = {*_help("pipelines.annotate"), *_help("pipelines.teacher_logits"), "--help"}
    ours |= {flag for command in COMMANDS for flag in _help("mtag_core", command)}
    ours |= {flag for module in _SCRIPTS for flag in _source_flags(module)}
    others = [f"{flag}=1" for flag in sorted(named - ours)]
    check_beam_flags(others, known=sorted(ours))


def test_a_flag_that_nobody_knows_is_found():
    with pytest.raises(UsageError, match="unknown flag --no_such_flag"):
        check_beam_flags(["--no_such_flag"], known=["--input"])


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_links_resolve(document):
    folder = (ROOT / document).parent
    assert [link for link in _LINK.findall(_text(document)) if not (folder / link).exists()] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_for_each_flag(command, capsys):
    with pytest.raises(SystemExit) as leaving:
        mtag_main([command, "--help"])
    assert leaving.value.code == 0
    shown = capsys.readouterr().out
    assert COMMANDS[command] in " ".join(shown.split())
    # A flag without help is followed by the next flag, or by nothing.
    bare = re.findall(r"^  (-[^ ]+(?: [^ ]+)*)\n(?=  -|\n|\Z)", shown, re.MULTILINE)
    assert bare == []


def test_every_command_is_in_a_document():
    named = {words[1] for p in ALL_COMMANDS if (words := cast(list, p.values[0]))[0] == "mtag_core"}
    assert set(COMMANDS) - named == set()


def test_every_decision_is_in_the_index():
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    for path in sorted(folder.glob("0*.md")):
        number, title = path.read_text(encoding="utf-8").partition("\n")[0].split(": ", 1)
        assert number == f"# {path.name[:4]}"
        assert f"| [{path.name[:4]}]({path.name}) | {title} |" in index


def test_every_document_is_in_the_index():
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    names = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert {name for name in names if f"({name})" not in index} == set()


def test_the_changelog_begins_with_this_version():
    versions = re.findall(r"^## \[([^\]]+)\]", _text("CHANGELOG.md"), re.MULTILINE)
    assert next(v for v in versions if v != "Unreleased") == mtag_core.__version__


def test_readme_names_every_extra_that_reading_files_needs():
    project = tomllib.loads(_text("pyproject.toml"))["project"]
    extras = project["optional-dependencies"]
    assert {"s3", "gcs", "train", "dev"} <= extras.keys()
    assert not any("torch" in name for name in [*project["dependencies"], *extras["dev"]])


def test_the_python_example_of_the_readme_holds():
    parser = doctest.DocTestParser()
    [example] = re.findall(r"```python\n(.*?)```", _text("README.md"), re.DOTALL)
    runner = doctest.DocTestRunner(verbose=False)
    runner.run(parser.get_doctest(example, {}, "README.md", "README.md", 0))
    assert runner.summarize(verbose=False).failed == 0


def _block(mark):
    """The code block behind a mark in the README."""
    found = re.search(rf"<!-- {mark} -->\n```\n(.*?)```\n", _text("README.md"), re.DOTALL)
    assert found, f"README.md has no block {mark}"
    return found[1]


def _stable(text):
    """Lines without the spaces at their ends and without what differs between runs."""
    lines = (line.rstrip() for line in text.splitlines())
    return [line for line in lines if not re.match(r" *(time|words/s)  ", line)]


def test_the_readme_shows_what_the_main_job_prints(tmp_path, monkeypatch, capsys, request):
    """After a change of the model or the summary: `pytest --update-golden tests/test_docs.py`."""
    (tmp_path / "sample_data").symlink_to(ROOT / "sample_data")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    command = _block("main job").splitlines()[-1]
    assert annotate.main(shlex.split(command)[3:]) == 0
    printed = capsys.readouterr().out
    shown = _block("output of the main job")
    if request.config.getoption("--update-golden"):
        lines = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
        text = _text("README.md").replace(shown, lines)
        (ROOT / "README.md").write_text(text, encoding="utf-8")
        return
    assert _stable(printed) == _stable(shown)
