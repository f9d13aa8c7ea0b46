import io
import lzma
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtag_core import conllu
from mtag_core.errors import ConlluError
from mtag_core.records import MultiwordToken, Sentence

FULL = """\
# newdoc id = a
# sent_id = a-1
# text = Vamos al mar
# a comment without a value
1\tVamos\tir\tVERB\t_\tMood=Ind|Number=Plur\t0\troot\t0:root\t_
2-3\tal\t_\t_\t_\t_\t_\t_\t_\t_
2\ta\ta\tADP\t_\t_\t4\tcase\t4:case\t_
3\tel\tel\tDET\t_\tDefinite=Def\t4\tdet\t4:det\t_
3.1\tgran\tgran\tADJ\t_\t_\t_\t_\t4:amod\tCopyOf=9
4\tmar\tmar\tNOUN\t_\t_\t1\tobl\t1:obl\tSpaceAfter=No

# text = Ja!
1\tJa\t_\tINTJ\t_\t_\t_\t_\t_\tSpaceAfter=No
2\t!\t_\tPUNCT\t_\t_\t_\t_\t_\t_

"""


def read(text):
    return list(conllu.read(io.StringIO(text, newline="\n"), source="x.conllu"))


def row(*columns):
    return "\t".join(columns) + "\t_" * (10 - len(columns))


def sentence(text, spans, *, multiword_tokens=(), start=0):
    return Sentence(
        text=text,
        start=start,
        end=start + len(text),
        language="und",
        forms=tuple(text[a:b] for a, b in spans),
        starts=tuple(start + a for a, _ in spans),
        ends=tuple(start + b for _, b in spans),
        multiword_tokens=multiword_tokens,
    )


def test_write_gives_back_what_was_read():
    assert "".join(conllu.write(read(FULL))) == FULL


def test_bytes_are_read_like_text():
    lines = FULL.encode().splitlines(keepends=True)
    assert list(conllu.read(lines)) == read(FULL)


def test_missing_final_line_end_and_extra_empty_lines_are_accepted():
    assert len(read("\n\n" + FULL.strip() + "")) == 2


def test_windows_line_ends_are_accepted():
    assert [s.rows for s in read(FULL.replace("\n", "\r\n"))] == [s.rows for s in read(FULL)]


def test_metadata_and_tokens_are_found():
    first = read(FULL)[0]
    assert first.metadata["sent_id"] == "a-1"
    assert first.metadata["a comment without a value"] == ""
    assert [token[conllu.FORM] for token in first.tokens] == ["Vamos", "a", "el", "mar"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\ta\n", r"x.conllu:1: 2 column\(s\) in '1\\ta'; expected 10"),
        (row("x", "a"), "x.conllu:1: ID 'x'; expected a number"),
        (row("1", ""), "x.conllu:1: column 2 is empty"),
        (row("2", "a"), "ID 2 in this sentence; expected 1"),
        (row("2-3", "a") + "\n" + row("1", "a"), "ID 2-3 in this sentence; expected a range"),
        ("# text = a\n", r"x.conllu:1: a sentence of 0 token\(s\)"),
        (row("1-2", "a") + "\n" + row("1", "a"), r"1 token\(s\); expected 2"),
    ],
)
def test_a_broken_line_is_named(text, message):
    with pytest.raises(ConlluError, match=message):
        read(text)


def test_a_line_that_is_not_utf8_is_named():
    with pytest.raises(ConlluError, match=r":2: bytes b'\\xff'; expected UTF-8"):
        list(conllu.read([b"# a\n", b"\xff\n"]))


def test_offsets_are_taken_from_the_text_comment():
    got = conllu.to_sentence(read(FULL)[0], start=100)
    assert got.text == "Vamos al mar"
    assert (got.starts, got.ends) == ((100, 106, 106, 109), (105, 108, 108, 112))
    assert got.multiword_tokens == (MultiwordToken(1, 2, "al", 106, 108),)
    assert got.sent_id == "a-1"


def test_a_text_comment_that_does_not_fit_is_replaced_by_the_joined_forms():
    got = conllu.to_sentence(read(FULL.replace("Ja!", "Nein!"))[1])
    assert got.text == "Ja!"
    assert got.starts == (0, 2)


def test_formatted_sentence():
    text = "Vamos al mar."
    spans = [(0, 5), (6, 8), (6, 8), (9, 12), (12, 13)]
    got = sentence(text, spans, multiword_tokens=(MultiwordToken(1, 2, "al", 56, 58),), start=50)
    upos = ["VERB", "ADP", "DET", "NOUN", "PUNCT"]
    assert conllu.format_sentence(got, upos=upos, sent_id="d-1") == (
        "# sent_id = d-1\n"
        "# text = Vamos al mar.\n"
        "1\tVamos\t_\tVERB\t_\t_\t_\t_\t_\tTokenRange=50:55\n"
        "2-3\tal\t_\t_\t_\t_\t_\t_\t_\tTokenRange=56:58\n"
        "2\tal\t_\tADP\t_\t_\t_\t_\t_\t_\n"
        "3\tal\t_\tDET\t_\t_\t_\t_\t_\t_\n"
        "4\tmar\t_\tNOUN\t_\t_\t_\t_\t_\tSpaceAfter=No|TokenRange=59:62\n"
        "5\t.\t_\tPUNCT\t_\t_\t_\t_\t_\tTokenRange=62:63\n"
    )


def test_line_ends_and_tabs_within_a_form_become_one_space():
    got = conllu.format_sentence(sentence("10\t\r\n000 x\u2028y", [(0, 8), (9, 12)]))
    assert [line.split("\t")[1] for line in got.split("\n")[1:-1]] == ["10 000", "x y"]
    assert got.startswith("# text = 10 000 x y\n")


def test_a_no_break_space_within_a_form_is_kept():
    assert "\t10\u00a0000\t" in conllu.format_sentence(sentence("10\u00a0000", [(0, 6)]))


@pytest.mark.parametrize("name", ["UD_French-GSD", "UD_Arabic-PADT", "UD_Vietnamese-VTB"])
def test_a_treebank_comes_back_to_the_byte(shared_dir, name):
    (path,) = (shared_dir / "ud" / name).glob("*-dev.conllu.xz")
    text = lzma.decompress(path.read_bytes()).decode()
    treebank = read(text)
    assert "".join(conllu.write(treebank)) == text
    for number in range(0, len(treebank), 10):
        columns = conllu.to_sentence(treebank[number])
        # The reduced treebanks keep every form where the text comment has it.
        assert columns.text == treebank[number].metadata["text"]


@st.composite
def sentences(draw):
    """Sentences over any text: tokens cover all that is not a space."""
    words = draw(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=1))
    text = " ".join(words)
    spans = [match.span() for match in re.finditer(r"\S", text)] or [(0, len(text))]
    return sentence(text, spans)


@given(sentences())
def test_any_sentence_is_formatted_validly(got):
    text = conllu.format_sentence(got, sent_id="s")
    (again,) = read(text)
    assert len(again.tokens) == len(got.forms)
    # Forms and text agree once both are written, so a reader finds the forms in the text.
    spaced = conllu.to_sentence(again)
    assert spaced.text == again.metadata["text"] or not again.metadata["text"]
    slices = [spaced.text[a:b] for a, b in zip(spaced.starts, spaced.ends, strict=True)]
    assert slices == list(spaced.forms)


@given(sentences())
def test_token_ranges_slice_the_document(got):
    (again,) = read(conllu.format_sentence(got))
    for form, columns in zip(got.forms, again.rows, strict=True):
        start, end = columns[conllu.MISC].split("TokenRange=")[1].split(":")
        assert got.text[int(start) : int(end)] == form


def test_a_byte_order_mark_is_dropped():
    text = "# sent_id = s1\n1\ta" + "\t_" * 8 + "\n\n"
    for lines in ([("\ufeff" + text)], text.encode("utf-8-sig").splitlines(keepends=True)):
        lines = lines if isinstance(lines[0], bytes) else lines[0].split("\n")
        (sentence,) = conllu.read(lines)
        assert sentence.metadata == {"sent_id": "s1"}
