from dataclasses import replace

import pytest

from mtag_core.output.layout import OutputLayout
from mtag_core.output.preview import choose_previews, preview_parts
from mtag_core.output.writers import OutputFormat
from mtag_core.parts.part_writer import open_part
from tests.fake_tagger import tagged_sentences
from tests.mtag_core.output.rows import example_rows, multiword_row


@pytest.mark.parametrize("compression", ["none", "gz", "zstd"])
@pytest.mark.parametrize("name", ["parquet", "jsonl", "conllu", "vertical"])
def test_a_sentence_of_each_language_is_shown(tmp_path, name, compression):
    layout = OutputLayout(str(tmp_path), OutputFormat(name, compression))
    rows = [*example_rows(), multiword_row()]
    with open_part(layout, "0" * 16) as files:
        for row in rows:
            files.rows.write(row)
    [english, french] = preview_parts([layout.part_path("0" * 16)], n_sentences=2)
    assert english.title == "doc 0 (en)"
    assert [token[0] for token in english.tokens] == ["Ana", "reads", "book", "0", "."]
    assert [token[0] for token in french.tokens] == ["de", "le", "pain"]


@pytest.mark.parametrize("has_lemmas", [False, True])
@pytest.mark.parametrize("name", ["parquet", "jsonl", "conllu", "vertical"])
def test_lemmas_are_shown_where_there_are_any(tmp_path, name, has_lemmas):
    layout = OutputLayout(str(tmp_path), OutputFormat(name, "none", has_lemmas=has_lemmas))
    row = example_rows(1)[0]
    lemmas = ("Ana", "read", "book", "0", ".") if has_lemmas else None
    with open_part(layout, "0" * 16) as files:
        files.rows.write(replace(row, tagged=replace(row.tagged, lemmas=lemmas)))
    [preview] = preview_parts([layout.part_path("0" * 16)], n_sentences=1)
    assert preview.lemmas == (lemmas or ())


def test_the_order_of_parts_does_not_matter(tmp_path):
    layout = OutputLayout(str(tmp_path), OutputFormat("jsonl", "none"))
    paths = [layout.part_path(digit * 16) for digit in "01"]
    for digit, row in zip("01", example_rows(n_documents=2)[::2], strict=True):
        with open_part(layout, digit * 16) as files:
            files.rows.write(row)
    previews = preview_parts(paths, n_sentences=2)
    assert previews
    assert preview_parts(paths[::-1], n_sentences=2) == previews


@pytest.mark.parametrize("n_sentences", [1, 2, 3, 10])
def test_reading_part_after_part_chooses_as_from_all_heads(tmp_path, n_sentences):
    layout = OutputLayout(str(tmp_path), OutputFormat("jsonl", "none"))
    paths = [layout.part_path(digit * 16) for digit in "012"]
    for digit, row in zip("210", [*example_rows(n_documents=2)[::2], multiword_row()], strict=True):
        with open_part(layout, digit * 16) as files:
            for index in range(4):
                files.rows.write(replace(row, doc_id=f"{index} {row.doc_id}", index=index))
    heads = [preview for path in paths for preview in preview_parts([path], n_sentences=9)]
    chosen = choose_previews(heads, n_sentences=n_sentences)
    assert len(chosen) == min(n_sentences, 11)
    assert preview_parts(paths, n_sentences=n_sentences) == chosen


def test_forms_that_are_no_words_are_not_shown(tmp_path):
    layout = OutputLayout(str(tmp_path), OutputFormat("jsonl", "none"))
    [tagged] = tagged_sentences(f"Ana reads {'x' * 500}.")
    with open_part(layout, "0" * 16) as files:
        files.rows.write(replace(example_rows(1)[0], tagged=tagged))
    assert preview_parts([layout.part_path("0" * 16)], n_sentences=1) == []


def test_no_parts_show_nothing():
    assert preview_parts([], n_sentences=2) == []
