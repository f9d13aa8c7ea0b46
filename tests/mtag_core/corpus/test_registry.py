import ast
from pathlib import Path

import pytest

import mtag_core.corpus
from mtag_core.corpus import ReadOptions, format_of, formats, formats_using
from mtag_core.corpus.registry import format_named
from mtag_core.errors import UsageError
from mtag_core.storage import FileInfo


def named(path, **options):
    return format_of(FileInfo(path, 1, "1"), ReadOptions(**options)).name


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a", "text"),
        ("a.txt", "text"),
        ("a.unknown", "text"),
        ("b.JSONL.gz", "jsonl"),
        ("b.json", "jsonl"),
        ("c.parquet", "parquet"),
        ("d.xml.bz2", "mediawiki"),
        ("e.xml-p1p30.bz2", "mediawiki"),
        ("e.xml-p1p30/notes", "text"),
        ("f.conllu", "conllu"),
        ("http://host/g.conll?key=1.txt", "conllu"),
        ("dir.xml/h", "text"),
    ],
)
def test_a_name_says_its_format(path, name):
    assert named(path) == name
    assert named(path, input_format="jsonl") == "jsonl"


def test_an_unknown_format_is_named_with_the_known_ones():
    with pytest.raises(UsageError, match=r"'pdf'; expected one of auto, text, jsonl, parquet"):
        format_named("pdf")


def test_every_option_of_a_format_is_one_of_reading():
    used = {option for each in formats() for option in each.options}
    assert used <= set(ReadOptions.__dataclass_fields__)
    assert [each.name for each in formats_using("text_field")] == ["jsonl", "parquet"]


def test_no_format_is_named_outside_of_its_module():
    folder = Path(mtag_core.corpus.__file__).parent
    constants = {
        (path.name, node.value)
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and node.value in {each.name for each in formats()}
    }
    # The field and its default, by that name.
    assert constants == {("items.py", "text")}
