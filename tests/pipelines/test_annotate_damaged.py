"""Finished parts that somebody cut, changed or removed are made again by the next run."""

from pathlib import Path

import pytest

from tests.pipelines.trees import annotate, tree, write_corpus

_FLAGS = ("--document=line", "--item_bytes=2000")


@pytest.fixture
def pattern(tmp_path):
    pattern = write_corpus(tmp_path / "in")
    # Rejected as binary.
    (tmp_path / "in" / "z.txt").write_bytes(b"\0" * 3000)
    assert annotate(pattern, tmp_path / "clean", *_FLAGS) == 0
    assert annotate(pattern, tmp_path / "out", *_FLAGS) == 0
    return pattern


def _cut(path: Path):
    path.write_bytes(path.read_bytes()[:-1])


def _change(path: Path):
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


@pytest.mark.parametrize("files", ["parts/*", "rejects/*"])
@pytest.mark.parametrize(
    ("damage", "flags"),
    [(_cut, ()), (Path.unlink, ()), (_change, ("--verify",))],
    ids=["cut", "removed", "changed"],
)
def test_damaged_files_are_made_again(tmp_path, pattern, files, damage, flags):
    damaged = sorted((tmp_path / "out").glob(files))
    assert damaged
    for path in damaged:
        damage(path)
    assert annotate(pattern, tmp_path / "out", *_FLAGS, *flags) == 0
    assert tree(tmp_path / "out") == tree(tmp_path / "clean")


def test_a_damaged_part_that_the_summary_opens_is_named(tmp_path, pattern, capsys):
    for path in (tmp_path / "out").glob("parts/*"):
        _change(path)
    assert annotate(pattern, tmp_path / "out", *_FLAGS) == 1
    assert "damaged" in (said := capsys.readouterr().err)
    assert "--verify" in said
