import gzip
import io
import sys

import pytest

from mtag_core import conllu
from mtag_core.__main__ import main

TEXT = "Das ist gut. Nobody [knew] it."


def test_a_text_becomes_a_table(capsys):
    assert main(["tag", TEXT]) == 0
    out = capsys.readouterr().out
    assert "Das ist gut.  [de]" in out
    assert "Number=Sing" in out


def test_brackets_are_no_markup(capsys):
    main(["tag", TEXT])
    assert "[knew]" in capsys.readouterr().out


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_file_becomes_conllu(tmp_path, capsys, encoding, compress):
    path = tmp_path / "a.txt"
    path.write_bytes(compress(TEXT.encode(encoding)))
    assert main(["tag", "--file", str(path)]) == 0
    sentences = list(conllu.read(capsys.readouterr().out.split("\n")))
    assert [s.metadata["text"] for s in sentences] == ["Das ist gut.", "Nobody [knew] it."]
    assert [s.metadata["sent_id"] for s in sentences] == ["1", "2"]


def test_a_file_that_is_cut_off_is_named(tmp_path, capsys):
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(TEXT.encode())[:-9])
    assert main(["tag", "--file", str(path)]) == 1
    assert f"{path}: gz data end after" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [[], ["-"]])
def test_standard_input_becomes_conllu(argv, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
    assert main(["tag", *argv]) == 0
    assert "# text = Das ist gut." in capsys.readouterr().out


def test_bytes_that_are_no_text_are_named(tmp_path, capsys):
    path = tmp_path / "a.txt"
    path.write_bytes(b"ab\xff")
    assert main(["tag", "--file", str(path)]) == 1
    assert "a.txt: byte 0xff at offset 2, expected UTF-8" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [["a", "--file", "b"], ["--file", "/no/such/file"]])
def test_wrong_calls_exit_with_2(argv, capsys):
    assert main(["tag", *argv]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_styles_are_followed(capsys):
    arguments = ["tag", "Mój stary pies śpi.", "--language", "pl"]
    printed = []
    for names in ("mixed", "pl_sz,fr_sequoia", "pl_sz"):
        assert main([*arguments, "--treebank_style", names]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] != printed[1] == printed[2]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("pl_x", "treebank style 'pl_x': no treebank of the model"),
        (",", "--treebank_style is empty"),
    ],
)
def test_styles_that_cannot_be_followed_are_named(capsys, names, message):
    assert main(["tag", "--treebank_style", names, "Pies."]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""


@pytest.mark.parametrize("called", ["fra", "FR", "fr-FR", "french"])
def test_a_language_may_go_by_any_of_its_names(called, tmp_path, capsys):
    path = tmp_path / "a.txt"
    path.write_text("Il parle du temps qu'il fait aux enfants.\n", "utf-8")
    printed = []
    for language in ("fr", called):
        assert main(["tag", "--file", str(path), "--language", language]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert "\tdu\t" in printed[0] and "\tles\t" in printed[0]


def test_an_unknown_language_exits_with_2_and_the_known_ones(capsys):
    assert main(["tag", "Il parle.", "--language", "xx"]) == 2
    assert "language 'xx': unknown; known are af am" in capsys.readouterr().err


def test_styles_that_nothing_followed_are_named(capsys):
    assert main(["tag", "Nobody knew why.", "--treebank_style", "pl_lfg"]) == 0
    error = capsys.readouterr().err
    assert "--treebank_style pl_lfg changed nothing" in error and "found: en" in error
    assert main(["tag", "Stary dom stoi.", "--treebank_style", "pl_lfg", "--language", "pl"]) == 0
    assert capsys.readouterr().err == ""
