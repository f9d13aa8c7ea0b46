import pytest

from mtag_core.cli.flag_parser import FlagParser, hint
from mtag_core.errors import UsageError


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
