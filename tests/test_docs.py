"""What the documents say is so: commands, flags, links, the version, the README's examples."""

import ast
import doctest
import importlib.util
import re
import shlex
import tomllib
from functools import cache
from pathlib import Path

import mypy.api
import pytest

import mtag_core
from benchmarks.__main__ import function_of
from mtag_core.cli.commands import COMMANDS as CORE_COMMANDS
from mtag_core.errors import UsageError
from pipelines import annotate, teacher_logits
from pipelines.commands import COMMANDS
from pipelines.commands import main as mtag_main
from pipelines.options import check_beam_flags
from tests.source_tree import ROOT

DOCUMENTS = sorted(
    path.relative_to(ROOT)
    for pattern in ("*.md", "docs/**/*.md", "benchmarks/*.md", "deploy/**/*.md")
    for path in ROOT.glob(pattern)
)
# Diaries keep the commands and flags of their time.
OF_TODAY = [path for path in DOCUMENTS if "experiments" not in path.parts]
NAMES = {command.name: command for command in COMMANDS}
# What else a command is called, in `python -m mtag_core` or as a module.
_OTHER_NAMES = {command.older: command.name for command in COMMANDS if command.older}
_JOBS = {"pipelines.annotate": "annotate", "pipelines.teacher_logits": "logits"}
_PROGRAM = rf"(?:python -m|mtag (?=(?:{'|'.join({name.split()[0] for name in NAMES})})\b))"
_COMMAND = re.compile(rf"`({_PROGRAM}[^`]+)`|^\s*(?:\w+=\S+ )?({_PROGRAM}.+?)$", re.MULTILINE)
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
    """The words of every command, as `mtag` takes them; a module's name, else, comes first."""
    text = _text(document).replace("\\\n", " ")
    for match in _COMMAND.finditer(text):
        words = shlex.split(match[1] or match[2], comments=True)
        if "torch.distributed.run" in words:
            words = words[words.index("-m", 2) - 1 :]
        words = words[1:] if words[0] == "mtag" else words[2:]
        if words[0] == "mtag_core":
            words = words[1:] or ["--help"]
        yield [*_OTHER_NAMES.get(words[0], _JOBS.get(words[0], words[0])).split(), *words[1:]]


ALL_COMMANDS = [
    pytest.param(words, id=f"{document}: {' '.join(words)[:60]}")
    for document in OF_TODAY
    for words in _commands(document)
    if words[0] not in _OTHERS
]


def _shown_flags(main, words):
    """The flags that a program's help shows."""
    with pytest.MonkeyPatch.context() as patch:
        parsers = []
        patch.setattr("argparse.ArgumentParser.print_help", lambda parser: parsers.append(parser))
        with pytest.raises(SystemExit):
            main(words)
        return frozenset(flag for action in parsers[0]._actions for flag in action.option_strings)


@cache
def _help(name):
    return _shown_flags(mtag_main, [*name.split(), "--help"])


def _called(words):
    """The name of the command that words call, if any."""
    names = (" ".join(words[:n_words]) for n_words in (1, 2))
    return next((name for name in names if name in NAMES), "")


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
    groups = {name.split()[0] for name in NAMES} - set(NAMES)
    if words[0].startswith("-") or (words[0] in groups and words[1].startswith("-")):
        assert mtag_main(words) == 0
        return
    name, known = _called(words), {"--help"}
    if name:
        known |= _help(name)
    elif words[0] == "benchmarks" and words[1:] and words[1] in _WITH_OPTIONS:
        known |= _shown_flags(importlib.import_module(f"benchmarks.{words[1]}").main, ["--help"])
    elif words[0] == "benchmarks" and words[1:] and not words[1].startswith("-"):
        known |= _source_flags(function_of(words[1])[0]) | _source_flags("benchmarks.harness")
    else:
        known |= _source_flags(words[0])
    others = [f"{flag}=1" for flag in sorted(_flags(words) - known)]
    if name in _JOBS.values():
        check_beam_flags(others)
    else:
        assert others == []


@pytest.mark.parametrize("document", OF_TODAY, ids=str)
def test_flags_named_alone_exist(document):
    named = {flag for code in _CODE.findall(_text(document)) for flag in _FLAG.findall(code)}
    ours = {"--help", "--version"}.union(*map(_help, NAMES))
    ours |= {flag for module in _SCRIPTS for flag in _source_flags(module)}
    others = [f"{flag}=1" for flag in sorted(named - ours)]
    check_beam_flags(others)


def test_a_flag_that_nobody_knows_is_found():
    with pytest.raises(UsageError, match="unknown flag --no_such_flag"):
        check_beam_flags(["--no_such_flag"])


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_links_resolve(document):
    folder = (ROOT / document).parent
    assert [link for link in _LINK.findall(_text(document)) if not (folder / link).exists()] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_help_for_each_flag(name, capsys):
    with pytest.raises(SystemExit) as leaving:
        mtag_main([*name.split(), "--help"])
    assert leaving.value.code == 0
    shown = capsys.readouterr().out
    if NAMES[name] in CORE_COMMANDS:
        assert NAMES[name].help.casefold() in " ".join(shown.split()).casefold()
    # A flag without help is followed by the next flag, or by nothing.
    bare = re.findall(r"^  (-[^ ]+(?: [^ ]+)*)\n(?=  -|\n|\Z)", shown, re.MULTILINE)
    assert bare == []


def test_the_page_of_commands_has_every_command():
    assert {_called(words) for words in _commands("docs/commands.md")} >= set(NAMES)


def _recipes():
    """Title to text of what CONTRIBUTING.md tells how to add."""
    sections = _text("CONTRIBUTING.md").split("\n## ")[1:]
    return dict(section.partition("\n")[::2] for section in sections)


@pytest.mark.parametrize("title", _recipes())
def test_a_recipe_has_as_many_files_as_it_says(title):
    files = re.findall(r"^\d\. `([^`]+\.py)`:", _recipes()[title], re.MULTILINE)
    assert re.findall(r": (\d) files?\b", title) == [str(len(files))]
    for name in files:
        assert (ROOT / name).exists() or (ROOT / name.partition("<")[0]).is_dir()


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


@pytest.mark.parametrize("page", ["README.md", "docs/python.md"])
def test_python_examples_hold(page):
    parser = doctest.DocTestParser()
    examples = "\n".join(re.findall(r"```python\n(.*?)```", _text(page), re.DOTALL))
    runner = doctest.DocTestRunner(verbose=False)
    runner.run(parser.get_doctest(examples, {}, page, page, 0))
    assert runner.summarize(verbose=False).failed == 0


def test_python_examples_pass_the_type_checker(tmp_path):
    parser = doctest.DocTestParser()
    files = []
    for page in ("README.md", "docs/python.md"):
        examples = "\n".join(re.findall(r"```python\n(.*?)```", _text(page), re.DOTALL))
        files.append(tmp_path / f"{Path(page).stem}_examples.py")
        sources = (example.source for example in parser.get_examples(examples))
        files[-1].write_text("".join(sources), encoding="utf-8")
    command = ["--strict", "--config-file", str(ROOT / "pyproject.toml"), *map(str, files)]
    output, errors, code = mypy.api.run(command)
    assert code == 0, output + errors


def _block(mark):
    """The code block behind a mark in the README."""
    found = re.search(rf"<!-- {mark} -->\n```\n(.*?)```\n", _text("README.md"), re.DOTALL)
    assert found, f"README.md has no block {mark}"
    return found[1]


def _stable(text):
    """Lines without the spaces at their ends and without what differs between runs."""
    lines = (line.rstrip() for line in text.splitlines())
    return [line for line in lines if not re.match(r" *(time|words/s)  ", line)]


@pytest.mark.parametrize(
    ("job", "main", "columns"),
    [("main job", annotate.main, "96"), ("second job", teacher_logits.main, "100")],
)
def test_the_readme_shows_what_a_job_prints(
    job, main, columns, tmp_path, monkeypatch, capsys, request
):
    """After a change of the model or the summary: `pytest --update-golden tests/test_docs.py`."""
    (tmp_path / "sample_data").symlink_to(ROOT / "sample_data")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", columns)
    command = _block(job).splitlines()[-1]
    assert main(shlex.split(command)[3:]) == 0
    printed = capsys.readouterr().out
    shown = _block(f"output of the {job}")
    if request.config.getoption("--update-golden"):
        lines = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
        before, mark, after = _text("README.md").partition(f"<!-- output of the {job} -->\n```\n")
        text = before + mark + lines + after.removeprefix(shown)
        (ROOT / "README.md").write_text(text, encoding="utf-8")
        return
    assert _stable(printed) == _stable(shown)
