from collections import Counter

from mtag_core.training.data.recutting import recut_unmarked
from mtag_core.training.data.treebanks import LabelledSentence


def _sentences(treebank, *, last_upos, n_sentences=200, part="train"):
    return [
        LabelledSentence(
            treebank,
            (f"w{index}", "goes", "here"),
            ("NOUN", "VERB", last_upos),
            ("_", "Tense=Pres", "_"),
            part,
        )
        for index in range(n_sentences)
    ]


def _tokens(sentences):
    return [
        token
        for sentence in sentences
        for token in zip(sentence.forms, sentence.upos, sentence.feats, strict=True)
    ]


def test_tokens_of_unmarked_treebanks_come_once_more_in_order():
    speech = _sentences("sl_sst", last_upos="ADV")
    recut = recut_unmarked(speech, seed=1)
    assert _tokens(recut) == _tokens(speech)
    lengths = [len(sentence.forms) for sentence in recut]
    assert all(6 <= length <= 50 for length in lengths[:-1]) and len(set(lengths)) > 5


def test_marked_treebanks_are_left_alone():
    assert recut_unmarked(_sentences("en_gum", last_upos="PUNCT"), seed=1) == []


def test_parts_and_treebanks_are_not_mixed():
    speech = _sentences("sl_sst", last_upos="ADV") + _sentences(
        "sl_sst", last_upos="ADV", part="dev"
    )
    recut = recut_unmarked(speech + _sentences("en_gum", last_upos="PUNCT"), seed=1)
    n_tokens = Counter()
    for sentence in recut:
        n_tokens[sentence.treebank, sentence.part] += len(sentence.forms)
    assert n_tokens == {("sl_sst", "train"): 600, ("sl_sst", "dev"): 600}


def test_the_same_seed_cuts_alike():
    speech = _sentences("sl_sst", last_upos="ADV")
    assert recut_unmarked(speech, seed=1) == recut_unmarked(speech, seed=1)
    assert recut_unmarked(speech, seed=1) != recut_unmarked(speech, seed=2)
