import gzip
import subprocess
import sys

import pytest

import mtag_core
from pipelines.commands import COMMANDS, main
from tests.without_packages import run_without

_WITHOUT_BEAM = """
import sys
from pipelines.commands import main
code = main(sys.argv[1:])
assert "apache_beam" not in sys.modules
sys.exit(code)
"""


@pytest.mark.parametrize("argv", [["--version"], ["--help"], ["tag", "Ein Text."]])
def test_beam_is_imported_for_jobs_alone(argv):
    command = [sys.executable, "-c", _WITHOUT_BEAM, *argv]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


@pytest.mark.parametrize(
    ("module", "argv", "name"),
    [
        ("pipelines.annotate", [], "annotate"),
        ("pipelines.teacher_logits", [], "logits"),
        ("pipelines.commands", ["annotate"], "annotate"),
        ("pipelines.commands", ["logits"], "logits"),
    ],
)
@pytest.mark.parametrize("package", ["apache_beam", "pyarrow"])
def test_a_job_without_its_packages_says_what_to_install(module, argv, name, package):
    done = run_without([package], module, *argv, "--input=a", "--output=b")
    assert done.returncode == 2
    assert done.stderr == f"mtag: {name} needs {package}: python -m pip install '.[corpus]'\n"


@pytest.mark.parametrize("source", ["text", "file"])
def test_tagging_needs_no_package_of_the_jobs(source, tmp_path):
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"Ein Text."))
    argv = ["tag", "Ein Text."] if source == "text" else ["tag", "--file", str(path)]
    done = run_without(["apache_beam", "pyarrow"], "pipelines.commands", *argv)
    assert (done.returncode, done.stderr) == (0, "")
    assert "NOUN" in done.stdout


def test_jobs_are_commands_beside_those_of_the_core(capsys):
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("usage: mtag COMMAND")
    assert [each.name for each in COMMANDS if f"\n  {each.name} " not in shown] == []


@pytest.mark.parametrize(("name", "flag"), [("annotate", "--format"), ("logits", "--teacher")])
def test_a_job_shows_its_flags_in_groups(name, flag, capsys):
    with pytest.raises(SystemExit) as leaving:
        main([name, "--help"])
    shown = capsys.readouterr().out
    assert leaving.value.code == 0
    assert flag in shown and "\ninput:\n" in shown


def test_the_version_is_that_of_the_core(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"mtag {mtag_core.__version__}\n"


@pytest.mark.parametrize("name", ["annotate", "logits"])
def test_a_wrong_flag_of_a_job_is_one_line_and_exit_code_2(name, capsys):
    assert main([name, "--input=a", "--output=b", "--no_such_flag"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
