import json

from mtag_core.__main__ import main

LINE = "1\ta\t_\tX\t_\t_\t_\t_\t_\t_\n\n"


def test_two_files_are_scored(tmp_path, capsys):
    path = tmp_path / "a.conllu"
    path.write_text(LINE)
    arguments = ["evaluate", "--gold", str(path), "--system", str(path), "--format", "json"]
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["UPOS"]["f1"] == 100.0


def test_a_missing_file_is_one_line_and_exit_code_2(tmp_path, capsys):
    assert main(["evaluate", "--gold", str(tmp_path / "no"), "--system", "x"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_bad_conllu_is_one_line_and_exit_code_1(tmp_path, capsys):
    path = tmp_path / "a.conllu"
    path.write_text("1\ta\n\n")
    assert main(["evaluate", "--gold", str(path), "--system", str(path)]) == 1
    assert "a.conllu:1: 2 column(s)" in capsys.readouterr().err
