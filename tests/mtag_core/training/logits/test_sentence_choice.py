from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtag_core.records import Block, Document, Sentence
from mtag_core.training.logits.sentence_choice import (
    ChoiceOptions,
    SentenceSelector,
    Survey,
    choose,
    is_useful,
    survey_documents,
)
from tests.mtag_core.training.logit_samples import sentence

ANY = ChoiceOptions(min_tokens=1)


def segment(document: Document) -> Iterator[Sentence]:
    if "poison" in document.text:
        raise ValueError("cannot segment")
    for line in document.text.split("\n"):
        yield sentence(line, language="de" if line.startswith("d") else "en")


def survey(*texts: str, options: ChoiceOptions = ANY) -> Survey:
    return survey_documents((Document(t, t, "f") for t in texts), segment, options)


def selected(texts: list[str], survey: Survey, stays: np.ndarray) -> list[list[str]]:
    selector = SentenceSelector(ANY, survey.hashes[stays])
    return [
        [s.text for block in _blocks(t) for s in selector.select(block).sentences] for t in texts
    ]


def _blocks(text: str) -> Iterator[Block[Sentence]]:
    """One block a sentence: the hardest case."""
    document = Document(text, text, "f")
    sentences = list(segment(document))
    for index, each in enumerate(sentences):
        yield Block(document, index, (each,), is_last=index == len(sentences) - 1)


@pytest.mark.parametrize(
    ("words", "options", "useful"),
    [
        ("one two three four", ChoiceOptions(), True),
        ("one two three", ChoiceOptions(), False),
        ("a b c d e", ChoiceOptions(max_tokens=4), False),
        ("one two three four", ChoiceOptions(languages=("de",)), False),
        ("one two three four", ChoiceOptions(languages=("de", "en")), True),
        ("1 2 3 four", ChoiceOptions(), False),
        ("1 2 three four", ChoiceOptions(), True),
        ("one two three " + "x" * 101, ChoiceOptions(), False),
    ],
)
def test_filters(words: str, options: ChoiceOptions, useful: bool):
    assert is_useful(sentence(words), options) is useful


def test_equal_sentences_stay_once_in_the_whole_run():
    first, second = ["a\nb\na"], ["c", "b"]
    surveys = [survey(*first), survey(*second)]
    stays = choose(surveys, ANY)
    assert selected(first, surveys[0], stays[0]) == [["a", "b"]]
    assert selected(second, surveys[1], stays[1]) == [["c"], []]


def test_equal_sentences_may_stay():
    surveys = [survey("a\na")]
    assert choose(surveys, ChoiceOptions(min_tokens=1, deduplicate=False))[0].all()


@given(st.lists(st.integers(0, 30), max_size=60), st.integers(1, 5), st.integers(0, 10))
def test_sample_does_not_depend_on_how_the_corpus_is_split(
    numbers: list[int], n_items: int, limit: int
):
    options = ChoiceOptions(min_tokens=1, max_sentences_per_language=limit)
    texts = [f"{'d' if n % 2 else 'e'}{n}" for n in numbers]

    def kept(surveys: list[Survey]) -> list[int]:
        stays = choose(surveys, options)
        return [int(h) for s, k in zip(surveys, stays, strict=True) for h in s.hashes[k]]

    cuts = np.array_split(np.array(texts, object), n_items)
    assert kept([survey(*cut) for cut in cuts]) == kept([survey(*texts)])
    assert len(kept([survey(*texts)])) <= 2 * limit


def test_an_equal_sentence_stays_as_often_as_it_was_chosen():
    texts = ["a\nb", "a\na"]
    options = ChoiceOptions(min_tokens=1, deduplicate=False, max_sentences_per_language=3)
    own = survey(*texts)
    chosen = [int(h) for h in own.hashes[choose([own], options)[0]]]
    found = selected(texts, own, choose([own], options)[0])
    assert sum(map(len, found)) == len(chosen) == 3
    assert selected(texts, own, np.array([True, False, True, False])) == [["a"], ["a"]]


def test_document_that_fails_midway_does_not_shift_the_next():
    texts = ["a\nb", "c\nd"]
    selector = SentenceSelector(ANY, survey(*texts).hashes[[0, 1, 3]])
    selector.select(next(_blocks(texts[0])))
    blocks = [selector.select(block) for block in _blocks(texts[1])]
    assert [[s.text for s in block.sentences] for block in blocks] == [[], ["d"]]
    assert [block.index for block in blocks] == [0, 0]


def test_chosen_sentences_are_numbered_without_gaps():
    selector = SentenceSelector(ANY, survey("a\nb\nc").hashes[[0, 2]])
    blocks = [selector.select(block) for block in _blocks("a\nb\nc")]
    assert [(block.index, len(block.sentences)) for block in blocks] == [(0, 1), (1, 0), (1, 1)]


def test_a_sentence_that_was_not_surveyed_is_left_out():
    own = survey("a\nb")
    assert selected(["a\nc\nb"], own, np.array([True, True])) == [["a", "b"]]


def test_useful_sentences_are_kept_without_a_survey():
    selector = SentenceSelector(replace(ANY, min_tokens=2))
    texts = ["one two\none\nthree four", "five six"]
    found = [[selector.select(block) for block in _blocks(text)] for text in texts]
    assert [[s.text for block in blocks for s in block.sentences] for blocks in found] == [
        ["one two", "three four"],
        ["five six"],
    ]
    assert [[block.index for block in blocks] for blocks in found] == [[0, 1, 1], [0]]


def test_a_document_that_fails_midway_does_not_shift_the_numbers_of_the_next():
    selector = SentenceSelector(ANY)
    selector.select(next(_blocks("a\nb")))
    assert selector.select(next(_blocks("c\nd"))).index == 0


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, False),
        ({"languages": ("de",), "min_tokens": 9}, False),
        ({"deduplicate": True}, True),
        ({"max_sentences_per_language": 1}, True),
    ],
)
def test_only_choices_among_sentences_need_a_survey(changes, expected):
    assert replace(ANY, **{"deduplicate": False, **changes}).needs_survey is expected


def test_document_that_cannot_be_segmented_counts_as_empty():
    assert len(survey("a", "poison", "b").hashes) == 2


def test_no_items_are_no_choice():
    assert choose([], ANY) == []
