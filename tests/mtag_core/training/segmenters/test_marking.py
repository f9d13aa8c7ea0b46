"""Tests of showing small treebanks with other marks."""

from collections.abc import Sequence

from mtag_core.training.segmenters.marking import remarked
from mtag_core.training.segmenters.treebank_text import surface_tokens

_MARKS = set("()[]\"'“”„«»,;:…?!.\u2018\u2019")


def _sentence(*forms: str) -> str:
    """A sentence with spaces between its words and none before its last mark."""
    last = len(forms) - 1
    return "\n".join(
        "\t".join(
            [
                *(str(index + 1), form, "_", "PUNCT" if form == "." else "X", *["_"] * 5),
                "SpaceAfter=No" if index == last - 1 else "_",
            ]
        )
        for index, form in enumerate(forms)
    )


_TWO = [_sentence("Abi", "kam", "gestern", "heim", "."), _sentence("Sie", "schlief", "lange", ".")]
_CONTRACTION = "\n".join(
    [
        "1\tEr\t_\tX\t_\t_\t0\troot\t_\t_",
        "2-3\tzum\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No",
        "2\tzu\t_\tX\t_\t_\t1\tcase\t_\t_",
        "3\tdem\t_\tX\t_\t_\t1\tdet\t_\t_",
        "4\t.\t_\tPUNCT\t_\t_\t1\tpunct\t_\t_",
    ]
)


def test_the_sentences_come_first_as_they_are() -> None:
    assert list(remarked(_TWO, seed=1))[:2] == _TWO


def test_few_sentences_are_shown_again_up_to_a_number_of_tokens() -> None:
    # Five and four tokens: 2,222 pairs have 19,998.
    assert len(list(remarked(_TWO, seed=1))) == 2 * 2222 + 1


def test_many_sentences_stay_alone() -> None:
    assert list(remarked(_TWO * 2300, seed=1)) == _TWO * 2300


def test_no_sentences_stay_none() -> None:
    assert list(remarked([], seed=1)) == []


def test_words_stay_and_marks_come_beside_them() -> None:
    copies = _copies(_TWO)
    seen = {form for copy in copies for form, _, _ in copy}
    assert seen - {"Abi", "kam", "gestern", "heim", "Sie", "schlief", "lange"} == _MARKS
    for copy in copies:
        words = [form for form, _, _ in copy if form not in _MARKS]
        assert words in (["Abi", "kam", "gestern", "heim"], ["Sie", "schlief", "lange"])


def test_opening_marks_stand_by_the_next_word_and_closing_ones_by_the_last() -> None:
    for copy in _copies(_TWO):
        spaces = [True, *(is_space for _, _, is_space in copy)]
        for index, (form, _, is_space) in enumerate(copy):
            if form in "([«„":
                assert not is_space and spaces[index], copy
            if form in ")]»,;:?!":
                assert not spaces[index], copy


def test_multiword_tokens_stay_whole_and_rows_are_numbered() -> None:
    for copy in list(remarked([_CONTRACTION], seed=3))[1:200]:
        parts = {form: tokens for form, tokens, _ in surface_tokens(copy)}
        assert parts["zum"] == ("zu", "dem")
        numbers = [row.split("\t")[0] for row in copy.split("\n")]
        plain = [int(number) for number in numbers if "-" not in number]
        assert plain == list(range(1, len(plain) + 1))


def _copies(sentences: Sequence[str]) -> list[list[tuple[str, tuple[str, ...], bool]]]:
    """The surface tokens of the copies that follow some sentences."""
    everything = [surface_tokens(sentence) for sentence in remarked(sentences, seed=2)]
    return everything[len(sentences) :]
