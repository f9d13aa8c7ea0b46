import lzma
from functools import partial
from unicodedata import normalize

import pytest

from mtag_core.errors import UsageError
from mtag_core.evaluation.annotation import gold_documents, parse_annotation
from mtag_core.evaluation.metrics import score
from mtag_core.evaluation.treebanks import (
    SEGMENTERS,
    EvaluationOptions,
    annotation_of_tagged,
    evaluate_file,
    evaluate_treebanks,
    raw_text,
)
from mtag_core.records import MultiwordToken, Sentence
from mtag_core.tagging.tagged import TaggedSentence
from tests.mtag_core.evaluation.fakes import FakeTagger, TellableFakeTagger

GOLD = (
    "1\tun\t_\tNOUN\t_\t_\t_\t_\t_\t_\n"
    "2\tarbre\t_\tVERB\t_\tNumber=Sing\t_\t_\t_\tSpaceAfter=No\n"
    "3\t.\t_\tNOUN\t_\t_\t_\t_\t_\t_\n\n"
    "1-2\tdu\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No\n"
    "1\tde\t_\tNOUN\t_\t_\t_\t_\t_\t_\n"
    "2\tle\t_\tNOUN\t_\t_\t_\t_\t_\t_\n\n"
)


@pytest.fixture
def treebank(tmp_path):
    path = tmp_path / "fr_own-ud-test.conllu.xz"
    path.write_bytes(lzma.compress(GOLD.encode()))
    return str(path)


def test_gold_tokens_are_tagged_as_they_are(treebank):
    result = evaluate_file(treebank, FakeTagger(), EvaluationOptions())
    assert (result.treebank, result.language, result.split) == ("fr_own", "fr", "test")
    assert result.scores["Words"].f1 == result.scores["Sentences"].f1 == 1.0
    assert result.scores["UPOS"].n_correct == 4
    assert result.scores["FEATS"].n_correct == 4


def test_second_best_can_stand_in_for_x(treebank):
    result = evaluate_file(treebank, FakeTagger(), EvaluationOptions(replace_x=True))
    assert result.scores["UPOS"].n_correct == 5


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize(("as_written", "n_correct"), [(False, 3), (True, 2)])
def test_lemmas_are_compared_with_cleaned_or_written_ones(tmp_path, raw, as_written, n_correct):
    path = tmp_path / "et_own-ud-test.conllu"
    rows = [
        ("Sissetulek", "sisse_tulek"),
        ("tuli", "tulema"),
        ("Ko\u0302ik", "k\u00f4ik"),
        ("x", "_"),
    ]
    lines = [f"{i}\t{form}\t{lemma}" + "\t_" * 7 for i, (form, lemma) in enumerate(rows, start=1)]
    path.write_text("\n".join(lines) + "\n\n")
    options = EvaluationOptions(raw=raw, lemmas_as_written=as_written)
    tagger = FakeTagger(lemmatise=lambda form: normalize("NFC", form.lower()))
    assert evaluate_file(str(path), tagger, options).scores["Lemmas"].n_correct == n_correct


def test_lemmas_are_scored_where_tagger_and_file_have_some(treebank, tmp_path):
    tagger = FakeTagger(lemmatise=str.lower)
    assert "Lemmas" not in evaluate_file(treebank, tagger, EvaluationOptions()).scores
    path = tmp_path / "fr_lemmas-ud-test.conllu"
    path.write_text(GOLD.replace("arbre\t_", "arbre\tarbre"))
    assert "Lemmas" in evaluate_file(str(path), tagger, EvaluationOptions()).scores
    assert "Lemmas" not in evaluate_file(str(path), FakeTagger(), EvaluationOptions()).scores


def test_raw_text_is_segmented_by_the_tagger(treebank):
    result = evaluate_file(treebank, FakeTagger(), EvaluationOptions(raw=True))
    assert result.scores["Words"].n_correct == 1
    assert result.other_language_share == 1.0


def test_the_language_can_be_given(treebank):
    options = EvaluationOptions(raw=True, segmenter="language")
    assert evaluate_file(treebank, FakeTagger(), options).other_language_share == 0.0


def test_text_can_be_cut_by_the_segmenter_of_the_treebank(treebank):
    tagger = FakeTagger()
    for segmenter in SEGMENTERS:
        evaluate_file(treebank, tagger, EvaluationOptions(raw=True, segmenter=segmenter))
    assert tagger.calls == [(None, None), ("fr", None), ("fr", "fr_own")]


@pytest.mark.parametrize(
    ("choice", "gold_treebank", "expected"),
    [
        (None, False, "identified"),
        (None, True, "treebank"),
        ("language", False, "language"),
        ("treebank", True, "treebank"),
    ],
)
def test_who_tells_the_treebank_gets_its_segmenter(choice, gold_treebank, expected):
    options = EvaluationOptions(raw=True, segmenter=choice, gold_treebank=gold_treebank)
    assert options.checked().segmenter == expected


def test_a_segmenter_that_contradicts_other_flags_is_refused():
    with pytest.raises(UsageError, match="--segmenter language changes segmentation: give --raw"):
        EvaluationOptions(segmenter="language").checked()
    with pytest.raises(
        UsageError, match="--segmenter language: --gold_treebank gives the treebank's"
    ):
        EvaluationOptions(raw=True, segmenter="language", gold_treebank=True).checked()


@pytest.mark.parametrize(
    ("options", "n_verbs"),
    [
        (EvaluationOptions(), 0),
        (EvaluationOptions(gold_treebank=True), 3),
        (EvaluationOptions(gold_treebank=True, raw=True, segmenter="treebank"), 1),
        # Found to be of no language, hence of no convention.
        (EvaluationOptions(gold_treebank=True, raw=True), 0),
    ],
)
def test_a_treebank_can_be_told(tmp_path, options, n_verbs):
    path = tmp_path / "fr_own-ud-test.conllu"
    path.write_text(GOLD.split("\n\n")[0].replace("NOUN", "VERB") + "\n\n")
    scores = evaluate_file(str(path), TellableFakeTagger(), options).scores
    assert scores["UPOS"].n_correct == n_verbs


def test_a_treebank_is_told_by_what_stands_before_the_first_hyphen(tmp_path):
    path = tmp_path / "pl_lfg-mine.conllu"
    path.write_text(GOLD)
    result = evaluate_file(str(path), TellableFakeTagger(), EvaluationOptions(gold_treebank=True))
    assert result.language == "pl"
    assert result.scores["UPOS"].n_correct == 1


def test_a_treebank_that_the_tagger_does_not_know_is_tagged_as_ever(tmp_path):
    path = tmp_path / "fr_other-ud-test.conllu"
    path.write_text(GOLD)
    result = evaluate_file(str(path), TellableFakeTagger(), EvaluationOptions(gold_treebank=True))
    assert result.scores["UPOS"].n_correct == 4


@pytest.mark.parametrize("n_workers", [1, 2])
def test_a_tagger_that_knows_no_treebanks_cannot_be_told(treebank, n_workers):
    options = EvaluationOptions(gold_treebank=True)
    with pytest.raises(UsageError, match="knows no treebanks, so it cannot follow 'fr_own'"):
        evaluate_treebanks([treebank] * 2, FakeTagger, options=options, n_workers=n_workers)


def test_training_data_is_looked_for_beside_the_file(treebank, tmp_path):
    assert not evaluate_file(treebank, FakeTagger(), EvaluationOptions()).has_training_data
    (tmp_path / "fr_own-ud-train.conllu.xz").touch()
    assert evaluate_file(treebank, FakeTagger(), EvaluationOptions()).has_training_data


def test_workers_give_the_same_results_in_the_same_order(treebank):
    evaluate = partial(evaluate_treebanks, [treebank] * 3, FakeTagger)
    options = EvaluationOptions(raw=True)
    assert evaluate(n_workers=2, options=options) == evaluate(options=options)


def test_raw_text_keeps_spacing():
    gold = parse_annotation(GOLD, source="x")
    assert raw_text(gold, language="fr") == "un arbre. du "
    assert raw_text(gold, language="zh") == "un arbre.du"


def test_raw_text_has_ten_sentences_a_line():
    gold = parse_annotation(GOLD * 10, source="x")
    assert raw_text(gold, language="fr") == ("un arbre. du " * 5)[:-1] + "\n" + (
        ("un arbre. du " * 5)[:-1] + "\n"
    )


def test_forms_are_grouped_by_document_and_sentence():
    first, second = ["un", "arbre", "."], ["de", "le"]
    one, two = GOLD.split("\n\n")[:2]
    for comment, expected in (
        ("", [[first, second]]),
        ("# newdoc\n", [[first], [second]]),
        ("# newdoc id = b\n", [[first], [second]]),
        ("# newpar\n", [[first, second]]),
    ):
        gold = parse_annotation(f"{one}\n\n{comment}{two}\n\n", source="x")
        assert gold_documents(gold) == expected
    assert gold_documents(parse_annotation(f"# newdoc\n{one}\n\n", source="x")) == [[first]]
    assert gold_documents(parse_annotation("", source="x")) == []


def test_documents_can_be_cut_into_shorter_ones():
    gold = parse_annotation(GOLD, source="x")
    (whole,) = gold_documents(gold)
    cut = gold_documents(gold, max_sentences=1)
    assert cut == [[sentence] for sentence in whole]
    assert gold_documents(gold, max_sentences=9) == gold_documents(gold)
    with pytest.raises(UsageError, match="document_sentences"):
        EvaluationOptions(raw=True, document_sentences=3).checked()


def test_each_document_is_tagged_by_itself(tmp_path):
    path = tmp_path / "fr_own-ud-test.conllu"
    path.write_text(GOLD + f"# newdoc id = b\n{GOLD}")
    tagger = FakeTagger()
    result = evaluate_file(str(path), tagger, EvaluationOptions())
    assert tagger.n_sentences == [2, 2]
    assert result.scores["UPOS"].n_correct == 8


def test_tagged_sentences_become_the_annotation_of_their_conllu():
    text = "un arbre. du "
    sentence = Sentence(
        text,
        0,
        12,
        "fr",
        ("un", "arbre", ".", "de", "le"),
        (0, 3, 8, 10, 10),
        (2, 8, 9, 12, 12),
        (MultiwordToken(3, 4, "du", 10, 12),),
    )
    tagged = TaggedSentence(sentence, ("NOUN",) * 5, ("_",) * 5, (1.0,) * 5, ("X",) * 5, (1.0,) * 5)
    scores = score(parse_annotation(GOLD, source="x"), annotation_of_tagged(text, [tagged]))
    assert scores["Words"].f1 == scores["Tokens"].f1 == 1.0
    assert scores["Sentences"].n_correct == 0
    assert scores["UPOS"].n_correct == 4


def test_characters_that_a_segmenter_drops_are_words_missed(tmp_path):
    path = tmp_path / "eu_own-ud-test.conllu"
    path.write_text(GOLD.replace("\t.\t", "\t\x92\t"))
    result = evaluate_file(str(path), FakeTagger(), EvaluationOptions(raw=True))
    assert result.scores["Words"].n_correct == 2
