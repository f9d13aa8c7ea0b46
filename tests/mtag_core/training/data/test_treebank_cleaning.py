from collections import Counter

from mtag_core.training.data.treebank_cleaning import repaired_feats, resegment_unpunctuated
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


def test_tokens_of_unpunctuated_treebanks_come_once_more_in_order():
    speech = _sentences("sl_sst", last_upos="ADV")
    resegmented = resegment_unpunctuated(speech, seed=1)
    assert _tokens(resegmented) == _tokens(speech)
    lengths = [len(sentence.forms) for sentence in resegmented]
    assert all(6 <= length <= 50 for length in lengths[:-1]) and len(set(lengths)) > 5


def test_punctuated_treebanks_are_left_alone():
    assert resegment_unpunctuated(_sentences("en_gum", last_upos="PUNCT"), seed=1) == []


def test_parts_and_treebanks_are_not_mixed():
    speech = _sentences("sl_sst", last_upos="ADV") + _sentences(
        "sl_sst", last_upos="ADV", part="dev"
    )
    resegmented = resegment_unpunctuated(speech + _sentences("en_gum", last_upos="PUNCT"), seed=1)
    n_tokens = Counter()
    for sentence in resegmented:
        n_tokens[sentence.treebank, sentence.part] += len(sentence.forms)
    assert n_tokens == {("sl_sst", "train"): 600, ("sl_sst", "dev"): 600}


def test_a_seed_decides_where_sentences_are_cut():
    speech = _sentences("sl_sst", last_upos="ADV")
    assert resegment_unpunctuated(speech, seed=1) == resegment_unpunctuated(speech, seed=1)
    assert resegment_unpunctuated(speech, seed=1) != resegment_unpunctuated(speech, seed=2)


def test_latvian_evidentiality_is_rewritten():
    sentence = LabelledSentence("lv_lvtb", ("ir",), ("VERB",), ("Evident=Fh,Nfh|Mood=Ind",))
    assert repaired_feats(sentence) == ("Evident=Fh|Mood=Ind",)


def test_indonesian_train_feats_are_not_learnt():
    assert repaired_feats(LabelledSentence("id_gsd", ("itu",), ("PRON",), ("_",))) == (None,)


def test_other_treebanks_are_left_alone():
    sentence = LabelledSentence("en_toy", ("x",), ("PROPN",), ("_",))
    assert repaired_feats(sentence) == ("_",)
