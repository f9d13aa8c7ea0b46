from mtag_core.training.segmenters.spacing import tightened


def _row(number: str, form: str, upos: str, misc: str = "_") -> str:
    return "\t".join([number, form, "_", upos, "_", "_", "_", "_", "_", misc])


def _sentence(*, misc: str = "_") -> str:
    rows = [("1", "so", "ADV", "_"), ("2", "goes", "VERB", misc), ("3", ".", "PUNCT", "_")]
    return "\n".join(["# text = so goes .", *(_row(*row) for row in rows)])


def test_every_second_sentence_of_a_spaced_treebank_is_tightened():
    spaced = _sentence()
    assert tightened([spaced] * 4) == [spaced, _sentence(misc="SpaceAfter=No")] * 2


def test_a_treebank_that_tells_spaces_is_left_alone():
    sentences = [_sentence(misc="SpaceAfter=No")] * 3 + [_sentence()]
    assert tightened(sentences) == sentences


def test_other_values_of_misc_are_kept():
    (_, second) = tightened([_sentence(misc="Gloss=x")] * 2)
    assert "Gloss=x|SpaceAfter=No" in second


def test_a_multiword_token_is_marked_on_its_range():
    rows = [("1-2", "cannot", "_"), ("1", "can", "AUX"), ("2", "not", "PART"), ("3", "!", "PUNCT")]
    sentence = "\n".join(_row(*row) for row in rows)
    lines = tightened([sentence] * 2)[1].splitlines()
    assert [line.endswith("SpaceAfter=No") for line in lines] == [True, False, False, False]


def test_a_mark_that_opens_a_sentence_changes_nothing():
    sentence = "\n".join([_row("1", "...", "PUNCT"), _row("2", ".", "PUNCT")])
    assert len(tightened([sentence] * 2)) == 2
