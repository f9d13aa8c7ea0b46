import pytest

import mtag_core
from mtag_core.__main__ import main
from mtag_core.cli.commands import COMMANDS, FlagParser, hint
from mtag_core.errors import UsageError

NAMES = [command.name for command in COMMANDS]
OLDER = {command.older: command.name for command in COMMANDS if command.older}


def _help_of(argv, capsys):
    with pytest.raises(SystemExit) as leaving:
        main([*argv, "--help"])
    assert leaving.value.code == 0
    return capsys.readouterr().out


def test_the_help_groups_the_commands(capsys):
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    titles = ["tagging and scoring:", "training:", "training data:", "model bundles:"]
    assert [line for line in shown.split("\n") if line in titles] == titles
    assert [name for name in NAMES if f"\n  {name} " not in shown] == []
    assert max(map(len, shown.split("\n"))) <= 100


def test_a_group_shows_its_commands(capsys):
    assert main(["label", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "label splits" in shown and "label boundaries" in shown
    assert "train" not in shown.split()[3:5] and "bundle export" not in shown


def test_the_version_is_printed(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"mtag {mtag_core.__version__}\n"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "name a command: tag, evaluate, serve, train ..., label ..., bundle ..."),
        (["label"], "name a command: label boundaries, label splits"),
        (["tga"], "unknown command 'tga'; did you mean tag?"),
        (["distil"], "unknown command 'distil'; did you mean distill?"),
        (["train", "distil"], "unknown command 'distil'; did you mean distill?"),
        (["train", "splits"], "unknown command 'splits'; see --help"),
        (["--verzion"], "unknown flag '--verzion'; did you mean --version?"),
    ],
)
def test_words_that_name_no_command_are_named(argv, message, capsys):
    assert main(argv) == 2
    assert capsys.readouterr().err == f"mtag: {message}\n"


@pytest.mark.parametrize("name", NAMES)
def test_each_command_refuses_a_misspelt_flag(name, capsys):
    assert main([*name.split(), "--helb"]) == 2
    assert capsys.readouterr().err == "mtag: unknown flag --helb; did you mean --help?\n"


@pytest.mark.parametrize(("older", "name"), OLDER.items())
def test_older_names_are_the_same_commands(older, name, capsys):
    shown = _help_of([older], capsys)
    assert shown.split("\n\n")[1:] == _help_of(name.split(), capsys).split("\n\n")[1:]


def test_a_wrong_value_exits_with_2_and_one_line(capsys):
    assert main(["evaluate", "--treebanks", "x", "--workers", "0"]) == 2
    message = "argument --workers: '0' is not a whole number above 0; see --help"
    assert capsys.readouterr().err == f"mtag: {message}\n"


@pytest.fixture
def parser():
    made = FlagParser(prog="mtag", description="A parser.")
    made.add_argument("--input", required=True)
    made.add_argument("--runner", choices=("a", "b"))
    made.add_argument("text", nargs="?")
    return made


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--inptu", "x"], "unknown flag --inptu; did you mean --input?"),
        (["--inp", "x"], "unknown flag --inp; did you mean --input?"),
        (["--xyz=1", "--input=x"], "unknown flag --xyz; see --help"),
        ([], "the following arguments are required: --input; see --help"),
        (["--input"], "argument --input: expected one argument; see --help"),
        (["--input=x", "--runner=c"], "argument --runner: invalid choice: 'c'"),
        (["--input=x", "a", "b"], "unexpected argument 'b'; see --help"),
        (["--input=x", "-q"], "unexpected argument '-q'; see --help"),
    ],
)
def test_errors_say_what_to_do_in_one_line(parser, argv, message):
    with pytest.raises(UsageError) as caught:
        parser.parse_all(argv)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_text_may_begin_with_hyphens(parser):
    assert parser.parse_all(["--input=x", "--- what is this"]).text == "--- what is this"
    assert parser.parse_all(["--input=x", "--", "--this"]).text == "--this"


def test_flags_that_others_parse_are_known(parser):
    parser.check_names(["--input=x", "--job_name=y"], others=["--job_name"])
    with pytest.raises(UsageError, match="unknown flag --job_nam; did you mean --job_name"):
        parser.check_names(["--job_nam=y"], others=["--job_name"])


def test_our_flags_are_suggested_before_those_of_others():
    assert hint("--outputs", ["--output"], ["--output_s"]) == "did you mean --output?"
    assert hint("--job_nam", ["--runner"], ["--job_name"]) == "did you mean --job_name?"
