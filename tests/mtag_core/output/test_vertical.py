import io
import re
from dataclasses import replace
from html import unescape

import pytest

from mtag_core.output.writers import OutputFormat
from tests.fake_tagger import tagged_sentences
from tests.mtag_core.output.rows import example_rows, multiword_row

_OPEN = re.compile(r"<(doc|p|s|mwt)((?: \w+=\"[^\"<>]*\")*)>")
_PARENTS = {"doc": [None], "p": ["doc"], "s": ["p"], "mwt": ["s"]}


def _written(rows, *, has_lemmas=False):
    sink = io.BytesIO()
    with OutputFormat("vertical", "none", has_lemmas).open(sink) as writer:
        for row in rows:
            writer.write(row)
    return sink.getvalue().decode()


def _read(text, *, n_columns=3):
    """Reads strictly: (structures around a token, its values, whether it is glued on)."""
    stack, tokens, is_glued = [], [], False
    for line in text.split("\n")[:-1]:
        opened = _OPEN.fullmatch(line)
        if opened:
            assert (stack[-1][0] if stack else None) in _PARENTS[opened[1]]
            stack.append((opened[1], unescape(opened[2])))
        elif re.fullmatch(r"</\w+>", line):
            assert stack.pop()[0] == line[2:-1]
        elif line == "<g/>":
            assert stack[-1][0] == "s" and not is_glued
            is_glued = True
        else:
            assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", line)
            values = tuple(map(unescape, line.split("\t")))
            assert len(values) == n_columns and stack[-1][0] in ("s", "mwt")
            tokens.append((tuple(stack), values, is_glued))
            is_glued = False
    assert not stack and not is_glued and text[-1:] in ("", "\n")
    return tokens


def test_what_is_written_is_read_back():
    rows = example_rows()
    tokens = _read(_written(rows))
    expected = [
        values
        for row in rows
        for values in zip(row.tagged.sentence.forms, row.tagged.upos, row.tagged.feats, strict=True)
    ]
    assert [values for _, values, _ in tokens] == expected
    ids = dict.fromkeys(stack[0][1] for stack, _, _ in tokens)
    assert list(ids) == [f' id="doc {n}"' for n in range(3)]
    assert {stack[2][1] for stack, _, _ in tokens} == {
        f' id="{row.sent_id}" language="en"' for row in rows
    }


def test_tokens_without_a_space_between_them_are_glued():
    assert [values[0] for _, values, is_glued in _read(_written(example_rows(1))) if is_glued] == [
        ".",
        ".",
    ]


def test_documents_name_the_generator_and_their_fields():
    rows = [replace(row, fields=("u<1>", None, 7)) for row in example_rows(1)]
    output = OutputFormat(
        "vertical",
        "none",
        keep_fields=("page.url:string", "id:int", "2nd:int"),
        generator='mtag "1"',
    )
    sink = io.BytesIO()
    with output.open(sink) as writer:
        for row in rows:
            writer.write(row)
    first = sink.getvalue().decode().splitlines()[0]
    assert first == (
        '<doc id="doc 0" generator="mtag &quot;1&quot;" page_url="u&lt;1&gt;" field_id="" '
        'field_2nd="7">'
    )


def test_a_blank_line_starts_a_paragraph():
    first, second = example_rows(1)
    text = _written([first, replace(second, starts_paragraph=True)])
    assert text.count("<p>") == text.count("</p>") == 2
    assert text.count("<doc ") == 1


def test_the_tokens_of_a_multiword_token_stand_in_it():
    tokens = _read(_written([multiword_row()]))
    assert [stack[-1] for stack, _, _ in tokens][:2] == [("mwt", ' form="du"')] * 2
    assert [is_glued for _, _, is_glued in tokens] == [False] * 3


@pytest.mark.parametrize("lemma", [None, "ana"])
def test_lemmas_are_a_column_where_the_bundle_has_them(lemma):
    row = example_rows(1)[0]
    lemmas = () if lemma is None else (lemma,) * len(row.tagged.upos)
    row = replace(row, tagged=replace(row.tagged, lemmas=lemmas))
    tokens = _read(_written([row], has_lemmas=True), n_columns=4)
    assert {values[3] for _, values, _ in tokens} == {lemma or "_"}


def test_marks_of_the_format_in_a_text_are_escaped():
    [tagged] = tagged_sentences('a<b &c "d" e\u2028f')
    row = replace(example_rows(1)[0], doc_id='x"\n<y>', tagged=tagged)
    tokens = _read(_written([row]))
    assert [values[0] for _, values, _ in tokens][:3] == ["a<b", "&c", '"d"']
    assert tokens[0][0][0] == ("doc", ' id="x" <y>"')


def test_a_part_without_sentences_is_empty():
    assert _written([]) == ""
