import lzma

import pytest

from mtag_core.errors import ConlluError, InputNotFoundError, StorageError
from mtag_core.evaluation.annotation import load_annotation, parse_annotation, universal_features


def line(token_id, form, head="_"):
    return "\t".join([token_id, form, "_", "X", "_", "_", head, "dep", "_", "_"]) + "\n"


def test_spans_count_characters_without_spaces():
    annotation = parse_annotation(line("1", "a b") + line("2", "\u00a0c") + "\n", source="x")
    assert annotation.characters == "abc"
    assert annotation.words == [(0, 2), (2, 3)]


def test_words_of_a_multiword_token_share_its_span():
    text = line("1-2", "du") + line("1", "de") + line("2", "le") + line("3", "x") + "\n"
    annotation = parse_annotation(text, source="x")
    assert annotation.words == [(0, 2), (0, 2), (2, 3)]
    assert annotation.is_multiword == [True, True, False]
    assert annotation.tokens == [(0, 2), (2, 3)]


def test_empty_nodes_comments_and_blank_lines_are_skipped():
    text = "\n# a comment\n" + line("1", "a") + line("1.1", "e") + "\n\n"
    assert parse_annotation(text, source="x").forms == ["a"]


def test_windows_line_ends_are_read():
    text = (line("1", "a") + "\n").replace("\n", "\r\n")
    assert parse_annotation(text, source="x").characters == "a"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\ta\n\n", r"^x:1: 2 column\(s\) in '1\\ta'; expected 10, separated by tabs$"),
        (line("2", "a") + "\n", "^x:1: ID 2 in this sentence; expected 1$"),
        (line("1", "a") + line("3", "b") + "\n", "^x:1: ID 3 in this sentence; expected 2$"),
        (line("1-x", "a") + "\n", "^x:1: ID '1-x'; expected a number, a range or a decimal$"),
        (
            line("1-2", "a") + line("1", "a") + "\n",
            r"^x:1: a sentence of 1 token\(s\); expected 2 or more$",
        ),
        (line("1", " ") + "\n", "^x:1: FORM ' '; expected at least one character"),
        (line("1", "a"), "^x:2: the file ends in a sentence; expected an empty line after"),
        (line("1", "a", "5") + "\n", "^x:1: HEAD '5'; expected a number from 0 to 1$"),
        (line("1", "a", "x") + "\n", "^x:1: HEAD 'x'; expected a number from 0 to 1$"),
        (line("1", "a", "0") + line("2", "b", "0") + "\n", "^x:1: 2 roots in a sentence"),
        (
            line("1", "a", "0") + line("2", "b", "3") + line("3", "c", "2") + "\n",
            "^x:1: a cycle of heads through token 2; expected a tree$",
        ),
    ],
)
def test_bad_lines_are_named(text, message):
    with pytest.raises(ConlluError, match=message):
        parse_annotation(text, source="x")


def test_xz_is_read(tmp_path):
    path = tmp_path / "a.conllu.xz"
    path.write_bytes(lzma.compress((line("1", "a") + "\n").encode()))
    assert load_annotation(str(path)).forms == ["a"]


def test_missing_damaged_and_undecodable_files_are_named(tmp_path):
    with pytest.raises(InputNotFoundError, match=r"nowhere: no such file"):
        load_annotation(str(tmp_path / "nowhere"))
    (tmp_path / "a.xz").write_bytes(b"not xz")
    with pytest.raises(StorageError, match=r"a\.xz: not a whole \.xz file"):
        load_annotation(str(tmp_path / "a.xz"))
    (tmp_path / "b.conllu").write_bytes(b"# ok\n# \xff\n")
    with pytest.raises(ConlluError, match=r"b\.conllu:2: bytes b'\\xff'; expected UTF-8"):
        load_annotation(str(tmp_path / "b.conllu"))


def test_universal_features_are_kept_and_sorted():
    assert universal_features("Number=Sing|Case=Nom|NameType=Giv") == "Case=Nom|Number=Sing"
    assert universal_features("_") == ""
