import random
from dataclasses import replace

import pytest

from mtag_core import Tagger
from mtag_core.errors import BundleError
from mtag_core.labels import load_labels
from mtag_core.lemma_tables import LemmaExceptions, exception_code
from mtag_core.lemmas import apply_rule
from mtag_core.tagging.arguments import TaggerOptions
from mtag_core.tagging.form_vectors import FormVectors
from mtag_core.tagging.forms import FormFeatures
from mtag_core.tagging.graphs import open_session
from mtag_core.tagging.tagged import BatchReport
from mtag_core.tagging.words import MAX_WORDS, WordModel
from tests.mtag_core.training.tiny_word_bundle import write_word_bundle
from tests.mtag_core.training.tiny_word_model import LETTERS, RULES, TREEBANKS


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return write_word_bundle(tmp_path_factory.mktemp("words") / "bundle")


@pytest.fixture(scope="module")
def tagger(bundle):
    return Tagger.load(bundle)


def _vectors(bundle, capacity):
    session = open_session(bundle / "forms.onnx", source="forms.onnx")
    return FormVectors(FormFeatures(bundle / "tokenizer.json"), session, capacity=capacity)


def _model(bundle, capacity):
    graphs = (open_session(bundle / name, source=name) for name in ("tagger.onnx", "heads.onnx"))
    return WordModel(_vectors(bundle, capacity), *graphs)


def _sentences(n_sentences, *, max_words, seed=3):
    draw = random.Random(seed)
    return [
        [
            "".join(draw.choices(LETTERS, k=draw.randint(1, 15)))
            for _ in range(draw.randint(1, max_words))
        ]
        for _ in range(n_sentences)
    ]


def _tags(sentence):
    return (
        sentence.upos,
        sentence.feats,
        sentence.lemmas,
        sentence.upos_scores,
        sentence.second_upos,
        sentence.feats_scores,
    )


def test_a_vector_does_not_depend_on_what_is_remembered(bundle):
    forms = [form for each in _sentences(40, max_words=8) for form in each]
    expected = {}
    for form in forms:
        table, rows = _vectors(bundle, 8).find([form])
        expected[form] = table[rows[0]].tolist()
    vectors = _vectors(bundle, 16)
    draw = random.Random(1)
    for _ in range(60):
        some = draw.choices(forms, k=draw.randint(1, 16))
        table, rows = vectors.find(some)
        assert table[rows].tolist() == [expected[form] for form in some]
        assert len(vectors) <= 16


def test_forms_that_are_used_stay_in_memory(bundle):
    vectors = _vectors(bundle, 4)
    computed = []
    features = vectors._features
    vectors._features = lambda forms: computed.extend(forms) or features(forms)
    for form in "abcdeafaga":
        vectors.find([form])
    # The fifth form takes the place of the first, which was used least recently.
    assert computed == list("abcdeafg")


def test_a_form_that_failed_leaves_the_memory_as_it_should_be(bundle):
    vectors = _vectors(bundle, 4)
    expected = {}
    for form in "abcdefgh":
        table, rows = _vectors(bundle, 1).find([form])
        expected[form] = table[rows[0]].tolist()
    features = vectors._features

    def fail(_forms):
        raise MemoryError

    for number, form in enumerate("abcdabefghabcdefgh"):
        if number % 3 == 2:
            vectors._features = fail
            with pytest.raises(MemoryError):
                vectors.find(["hij", "j"])
            vectors._features = features
        table, rows = vectors.find([form])
        assert table[rows[0]].tolist() == expected[form]
        assert len(vectors) <= 4


def test_no_forms_have_no_rows(bundle):
    _, rows = _vectors(bundle, 4).find([])
    assert len(rows) == 0


@pytest.mark.parametrize("piece_budget", [1, 30, 4096])
def test_tags_do_not_depend_on_order_batches_or_memory(bundle, tagger, piece_budget):
    sentences = _sentences(60, max_words=20) + _sentences(3, max_words=300)
    expected = dict(
        zip(map(tuple, sentences), map(_tags, tagger.tag_tokens(sentences)), strict=True)
    )
    random.Random(piece_budget).shuffle(sentences)
    small = Tagger(
        segmenter=tagger._segmenter,
        model=_model(bundle, MAX_WORDS),
        labels=tagger._labels,
        digest="small",
    )
    small.piece_budget = piece_budget
    found = list(map(_tags, small.tag_tokens(sentences)))
    assert found == [expected[tuple(sentence)] for sentence in sentences]


def test_lemmas_are_what_rules_make_of_forms(tagger):
    for sentence in tagger.tag_tokens(_sentences(20, max_words=9)):
        for token in sentence:
            assert token.lemma in {apply_rule(rule, token.form) for rule in RULES}


def test_a_model_without_rules_has_no_lemmas(tagger):
    labels = replace(tagger._labels, lemma_rules=(), lemma_rules_of_upos=())
    without = Tagger(
        segmenter=tagger._segmenter, model=tagger._model, labels=labels, digest="without"
    )
    assert [sentence.lemmas for sentence in without.tag_tokens([["ab", "c"], []])] == [None, None]


def test_long_sentences_and_forms_are_tagged_whole(tagger):
    (sentence,) = tagger.tag_tokens([["abc"] * 1000 + ["x" * 10_000, "e" + "\u0301" * 100_000]])
    assert len(sentence) == len(sentence.tokens) == 1002


def test_windows_cover_each_word_once_with_context(bundle):
    model = _model(bundle, MAX_WORDS)
    forms = [str(number) for number in range(700)]
    windows = model.encode(forms)
    tagged = [form for w in windows for form in w.forms[w.first : w.last]]
    assert tagged == forms
    assert all(w.size <= MAX_WORDS and w.n_tokens > 0 for w in windows)
    assert all(w.first >= 16 for w in windows[1:])
    assert all(w.size - w.last >= 16 for w in windows[:-1])


def test_offsets_are_those_of_the_text(tagger):
    text = "Abc de j. Cab, deaf!"
    for sentence in tagger.tag(text, language="en"):
        for token in sentence:
            assert text[token.start : token.end] == token.form


def test_a_convention_changes_the_tags_of_its_language(tagger):
    tokens = _sentences(8, max_words=12)
    following = tagger.following(("de_x",))
    assert tagger.treebanks == TREEBANKS
    assert following.tag_tokens(tokens) == tagger.tag_tokens(tokens)
    told = following.tag_tokens(tokens, language="de")
    plain = tagger.tag_tokens(tokens, language="de")
    assert [t.feats_scores for t in told] != [t.feats_scores for t in plain]
    batch = following.tag_tokens(tokens[:1], language="de")
    assert batch[0].feats_scores == told[0].feats_scores


def test_a_language_has_the_style_that_the_bundle_names(bundle, tmp_path):
    labels = load_labels(bundle)
    tagger = Tagger.load(bundle)
    styled = Tagger(
        segmenter=tagger._segmenter,
        model=tagger._model,
        labels=replace(labels, styles={"en": "en_y", "de": "de_x"}),
        digest="styled",
    )
    tokens = _sentences(3, max_words=9)

    def scores(following, language):
        return [s.feats_scores for s in following.tag_tokens(tokens, language=language)]

    assert scores(styled, "de") == scores(tagger.following(("de_x",)), "de")
    assert scores(styled, "fr") == scores(tagger, "fr")
    assert scores(tagger, "de") != scores(styled, "de")
    # A language's only treebank.
    assert scores(tagger.following(("mixed",)), "de") == scores(styled, "de")


def test_a_form_with_an_exception_has_its_lemma(bundle):
    labels, tagger = load_labels(bundle), Tagger.load(bundle)
    tokens = [["Abc", "de"], ["j", "abc", "cab"], ["abc"], ["de", "j", "abc"]]
    codes = {exception_code("abc", upos): "=jig" for upos in labels.upos}
    knowing = Tagger(
        segmenter=tagger._segmenter,
        model=tagger._model,
        labels=replace(labels, exceptions=LemmaExceptions.of([codes, {}])),
        digest="knowing",
        options=TaggerOptions(treebank_style=("de_x",)),
    )
    style = tagger.following(("de_x",))
    for language in ("de", "en"):
        plain = style.tag_tokens(tokens, language=language)
        expected = [
            tuple(
                "jig" if form.lower() == "abc" and language == "de" else lemma
                for form, lemma in zip(forms, tagged.lemmas or (), strict=True)
            )
            for forms, tagged in zip(tokens, plain, strict=True)
        ]
        assert [t.lemmas for t in knowing.tag_tokens(tokens, language=language)] == expected
        alone = [knowing.tag_tokens([forms], language=language)[0] for forms in tokens[::-1]]
        assert [t.lemmas for t in alone] == expected[::-1]


def test_each_batch_is_reported(tagger):
    reports: list[BatchReport] = []
    tagger.on_batch = reports.append
    tagger.tag_tokens([["a", "b"]] * 3 + [["a"]])
    tagger.on_batch = None
    assert [(report.n_sentences, report.n_pieces) for report in reports] == [(1, 1), (3, 6)]
    assert all(report.duration_s > 0 for report in reports)


def test_a_graph_of_something_else_is_named(bundle, tmp_path):
    with pytest.raises(BundleError, match=r"forms\.onnx: inputs \['treebanks', .*expected"):
        _load(bundle, tmp_path, {"forms.onnx": "tagger.onnx"})
    with pytest.raises(BundleError, match=r"tagger\.onnx: inputs \['case', .*expected"):
        _load(bundle, tmp_path, {"tagger.onnx": "forms.onnx"})
    with pytest.raises(BundleError, match=r"heads\.onnx: inputs \['treebanks', .*expected"):
        _load(bundle, tmp_path, {"heads.onnx": "tagger.onnx"})


def _load(bundle, directory, name_to_source):
    sources = {name: name for name in ("forms.onnx", "tagger.onnx", "heads.onnx", "tokenizer.json")}
    for name, source in (sources | name_to_source).items():
        (directory / name).write_bytes((bundle / source).read_bytes())
    return WordModel.load(directory)
