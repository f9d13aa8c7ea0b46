import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtag_core.errors import ConlluError
from mtag_core.evaluation.annotation import parse_annotation
from mtag_core.evaluation.metrics import Score, score
from mtag_core.evaluation.summary import format_scores

# Case name: gold file, system file, expected output, counts in place of percentages.
PARITY_CASES = {
    "one segmentation joined": ("gold", "sys1", "sys1-expected.results", False),
    "sentences and words differ": ("gold", "sys2", "sys2-expected.results", False),
    "a space inside a form": ("gold", "sys-space", "sys-space-expected.results", False),
    "case of multiword forms": ("case-gold", "case-sys", "case-expected.results", False),
    "function words": ("func-gold", "func-sys", "func-expected.counts", True),
}


def conllu(*sentences):
    """Builds CoNLL-U from sentences of words "form/UPOS/FEATS" and ranges "1-2:form"."""
    lines = []
    for sentence in sentences:
        n_words = 0
        for word in sentence.split():
            if ":" in word:
                token_id, form = word.split(":")
                columns = [token_id, form] + ["_"] * 8
            else:
                n_words += 1
                form, upos, feats = [*word.split("/"), "_", "_"][:3]
                columns = [str(n_words), form, "_", upos, "_", feats] + ["_"] * 4
            lines.append("\t".join(columns))
        lines.append("")
    return "\n".join(lines) + "\n"


def scored(gold, system):
    return score(parse_annotation(gold, source="gold"), parse_annotation(system, source="system"))


@pytest.mark.parametrize("case", PARITY_CASES)
def test_agrees_to_the_printed_digit_with_the_shared_task_script(shared_dir, case):
    gold, system, expected, counts = PARITY_CASES[case]
    folder = shared_dir / "evaluation" / "conll18"
    scores = scored(
        (folder / f"{gold}.conllu").read_text("utf-8"),
        (folder / f"{system}.conllu").read_text("utf-8"),
    )
    printed = format_scores(scores, format_name="table", counts=counts)
    assert printed + "\n" == (folder / expected).read_text("utf-8")


def test_differing_segmentation_lowers_precision_and_recall():
    scores = scored(conllu("ab/NOUN c/VERB"), conllu("a/NOUN b/NOUN c/VERB"))
    assert scores["Words"] == Score(1, 2, 3)
    assert scores["UPOS"] == Score(1, 2, 3, 1)
    assert scores["UPOS"].f1 == pytest.approx(0.4)


def test_words_of_a_multiword_token_align_by_form():
    gold = conllu("1-2:du de/ADP le/DET chat/NOUN")
    assert scored(gold, conllu("1-2:du de/ADP le/PRON chat/NOUN"))["UPOS"] == Score(2, 3, 3, 3)
    assert scored(gold, conllu("du/ADP chat/NOUN"))["UPOS"] == Score(1, 3, 2, 1)


def test_ufeats_leaves_language_specific_features_out():
    gold = conllu("kot/NOUN/Case=Nom|SubGender=Masc1")
    scores = scored(gold, conllu("kot/NOUN/Case=Nom"))
    assert scores["UFeats"].f1 == 1.0
    assert scores["FEATS"].f1 == 0.0


def test_order_of_features_does_not_matter():
    scores = scored(conllu("a/X/Case=Nom|Number=Sing"), conllu("a/X/Number=Sing|Case=Nom"))
    assert scores["UFeats"].f1 == scores["FEATS"].f1 == 1.0


def test_metrics_of_trees_need_heads():
    assert "UAS" not in scored(conllu("a"), conllu("a"))


def test_empty_files_score_zero():
    assert scored("", "")["UPOS"].f1 == 0.0


def test_different_texts_name_both_files_and_the_place():
    with pytest.raises(ConlluError) as caught:
        scored(conllu("a b c"), conllu("a x c"))
    message = str(caught.value)
    assert message.startswith("system:2: the text is 'xc'; expected 'bc' as in gold:2")


def test_a_system_text_that_ends_early_is_named():
    with pytest.raises(ConlluError, match="system: the text is at its end; expected 'b'"):
        scored(conllu("a b"), conllu("a"))


def _segmented(rng, text):
    """A random segmentation of a text with multiword tokens, as CoNLL-U."""
    words, n_words, index = [], 0, 0
    while index < len(text):
        length = rng.randint(1, 4)
        form = text[index : index + length]
        index += len(form)
        if rng.random() < 0.3:
            parts = rng.choices("ab", k=rng.randint(1, 3))
            words.append(f"{n_words + 1}-{n_words + len(parts)}:{form}")
            words += [f"{part}/X" for part in parts]
            n_words += len(parts)
        else:
            words.append(f"{form}/X")
            n_words += 1
    return conllu(" ".join(words))


@given(st.integers(0, 10**6), st.text("ab", min_size=1, max_size=30))
def test_alignment_is_ascending_and_symmetric_in_size(seed, text):
    rng = random.Random(seed)
    left, right = _segmented(rng, text), _segmented(rng, text)
    forward, backward = scored(left, right), scored(right, left)
    assert forward["Words"].n_correct <= min(forward["Words"].n_gold, forward["Words"].n_system)
    assert forward["Tokens"].n_correct == backward["Tokens"].n_correct
    assert forward["UPOS"].n_correct == forward["Words"].n_correct


@given(st.integers(0, 10**6), st.text("ab", min_size=1, max_size=30))
def test_a_text_scored_against_itself_is_right(seed, text):
    sample = _segmented(random.Random(seed), text)
    assert {value.f1 for value in scored(sample, sample).values()} == {1.0}
