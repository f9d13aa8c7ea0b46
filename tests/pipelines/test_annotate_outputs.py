"""Outputs beside parts: a file an input, and a Delta Lake table."""

import json
import os
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from mtag_core.errors import OutputError
from mtag_core.output import beside_parts
from mtag_core.output.beside_parts import input_names
from tests.pipelines.trees import annotate, tree

_FLAGS = ("--one_file_per_input", "--format=conllu", "--compression=none")


@pytest.fixture
def inputs(tmp_path):
    folder = tmp_path / "in"
    (folder / "b").mkdir(parents=True)
    for name in ("a.txt", "b/a.txt", "b/long.txt"):
        n_lines = 400 if "long" in name else 2
        stem = name.partition(".")[0]
        text = "".join(f"Ana reads {stem} on page {n}.\n" for n in range(n_lines))
        (folder / name).write_text(text)
    (folder / "bad.jsonl").write_text("{\n")
    return folder


def _files(output: Path) -> dict[str, str]:
    return {
        path.relative_to(output / "files").as_posix(): path.read_text()
        for path in sorted((output / "files").rglob("*"))
        if path.is_file() and path.name[0] != "."
    }


def test_each_input_has_a_file_of_its_name_however_large_it_is(inputs, tmp_path):
    output = tmp_path / "out"
    assert annotate(f"{inputs}/", output, *_FLAGS) == 0
    found = _files(output)
    assert list(found) == [
        f"{name}.conllu" for name in ("a.txt", "b/a.txt", "b/long.txt", "bad.jsonl")
    ]
    assert found["b/long.txt.conllu"].count("# sent_id") == 400
    assert found["bad.jsonl.conllu"] == ""
    assert f"# newdoc id = {inputs}/b/a.txt" in found["b/a.txt.conllu"]


def test_files_follow_their_inputs_and_others_stay(inputs, tmp_path):
    output = tmp_path / "out"
    assert annotate(f"{inputs}/", output, *_FLAGS) == 0
    before = _files(output)
    (output / "files" / "mine.txt").write_text("mine")
    (inputs / "a.txt").write_text("Ben sleeps.")
    (inputs / "b" / "a.txt").unlink()
    (inputs / "new.txt").write_text("Ana sleeps.")
    assert annotate(f"{inputs}/", output, *_FLAGS) == 0
    found = _files(output)
    assert "Ben" in found["a.txt.conllu"] and "new.txt.conllu" in found
    assert "b/a.txt.conllu" not in found and found["mine.txt"] == "mine"
    assert found["b/long.txt.conllu"] == before["b/long.txt.conllu"]


def test_a_run_that_was_killed_while_it_named_files_names_them_later(inputs, tmp_path, monkeypatch):
    output, whole = tmp_path / "out", tmp_path / "whole"
    with monkeypatch.context() as patch:
        patch.setattr(beside_parts.storage, "copy", _fail)
        assert annotate(f"{inputs}/", output, *_FLAGS) == 1
    assert annotate(f"{inputs}/", output, *_FLAGS) == 0
    assert annotate(f"{inputs}/", whole, *_FLAGS) == 0
    assert tree(output) == tree(whole)
    assert annotate(f"{inputs}/", output, *_FLAGS, "--overwrite") == 0
    assert tree(output) == tree(whole)


def _fail(*_paths: str) -> None:
    raise OutputError("no")


def test_an_output_of_parts_alone_is_not_gone_on_with(inputs, tmp_path, capsys):
    output = tmp_path / "out"
    assert annotate(f"{inputs}/", output, *_FLAGS[1:]) == 0
    assert annotate(f"{inputs}/", output, *_FLAGS) == 2
    assert "one_file_per_input: None, now True" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        (["in/"], ["a.txt.x", "b/a.txt.x"]),
        (["in/*.txt", "in/b/*.txt"], ["a.txt.x", "b/a.txt.x"]),
        (["in/a.txt", "in/b/a.txt"], ["a.txt.x", "b/a.txt.x"]),
        (["**/*.txt"], ["in/a.txt.x", "in/b/a.txt.x"]),
    ],
)
def test_names_are_paths_below_what_patterns_name(inputs, monkeypatch, patterns, names):
    monkeypatch.chdir(inputs.parent)
    found = input_names(["in/a.txt", "in/b/a.txt"], patterns, suffix=".x")
    assert list(found.values()) == names


def test_two_inputs_of_one_name_are_refused_before_the_run(tmp_path, capsys):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.txt").write_text("Ana.")
    patterns = f"{tmp_path}/a/,{tmp_path}/b/"
    assert annotate(patterns, tmp_path / "out", "--one_file_per_input") == 2
    assert "would both become x.txt.parquet" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def _table(output: Path, inputs: Path, *flags: str) -> DeltaTable:
    uri = output.parent / "table"
    assert annotate(f"{inputs}/*.txt", output, f"--table={uri}", *flags) == 0
    return DeltaTable(uri)


def _texts(table: DeltaTable) -> list[str]:
    return sorted(table.to_pyarrow_table().column("text").to_pylist())


def test_a_run_is_one_commit_and_a_second_run_none(inputs, tmp_path):
    output = tmp_path / "out"
    table = _table(output, inputs, "--keep_fields=id:int")
    assert (table.version(), _texts(table)) == (
        0,
        ["Ana reads a on page 0.", "Ana reads a on page 1."],
    )
    assert "id" in table.to_pyarrow_table().schema.names
    assert _table(output, inputs, "--keep_fields=id:int").version() == 0
    os.unlink(output / "table.json")
    assert _table(output, inputs, "--keep_fields=id:int").version() == 0


def test_new_parts_are_appended_and_changed_ones_replaced_in_one_commit(inputs, tmp_path):
    output = tmp_path / "out"
    _table(output, inputs)
    (inputs / "c.txt").write_text("Ben sleeps.")
    table = _table(output, inputs)
    assert table.version() == 1
    assert table.history(1)[0]["operationParameters"]["mode"] == "Append"
    assert "Ben sleeps." in _texts(table) and len(_texts(table)) == 3
    (inputs / "c.txt").write_text("Ana sleeps.")
    table = _table(output, inputs)
    assert (table.version(), len(_texts(table))) == (2, 3)
    assert "Ana sleeps." in _texts(table)


def test_a_run_killed_behind_its_commit_commits_nothing_twice(inputs, tmp_path, monkeypatch):
    output = tmp_path / "out"
    _table(output, inputs)
    (inputs / "c.txt").write_text("Ben sleeps.")
    noted = (output / "table.json").read_bytes()
    assert _table(output, inputs).version() == 1
    (output / "table.json").write_bytes(noted)
    table = _table(output, inputs)
    assert (table.version(), len(_texts(table))) == (1, 3)
    assert json.loads((output / "table.json").read_text())["parts"].keys() == {
        part["id"] for part in json.loads((output / "run.json").read_text())["parts"]
    }


def test_a_commit_that_fails_leaves_the_table_as_it_was(inputs, tmp_path, monkeypatch, capsys):
    output, uri = tmp_path / "out", tmp_path / "table"
    before = _texts(_table(output, inputs))
    (inputs / "c.txt").write_text("Ben sleeps.")

    def batches(*_arguments: object):
        raise OSError("no room")
        yield

    with monkeypatch.context() as patch:
        patch.setattr(beside_parts, "_batches", batches)
        assert annotate(f"{inputs}/*.txt", output, f"--table={uri}") == 1
    assert "no room" in capsys.readouterr().err
    assert _texts(DeltaTable(uri)) == before
    assert len(_texts(_table(output, inputs))) == 3


def test_a_table_or_folder_of_others_is_refused(inputs, tmp_path, capsys):

    write_deltalake(tmp_path / "theirs", pa.table({"x": [1]}))
    for uri, message in (
        (tmp_path / "theirs", "a table that mtag did not write"),
        (inputs, "no table"),
    ):
        assert annotate(f"{inputs}/*.txt", tmp_path / "out", f"--table={uri}") == 2
        assert message in capsys.readouterr().err
    assert annotate(f"{inputs}/*.txt", tmp_path / "out", "--table=t", "--format=jsonl") == 2
    assert "--table is made of Parquet parts" in capsys.readouterr().err


def test_without_the_extra_a_line_says_what_to_install(inputs, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "deltalake", None)
    assert annotate(f"{inputs}/*.txt", tmp_path / "out", "--table=t") == 2
    assert "--table needs deltalake: python -m pip install '.[delta]'" in capsys.readouterr().err
