import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtag_core import Tagger, conllu
from mtag_core.errors import BundleError, UsageError
from mtag_core.labels import load_labels
from mtag_core.records import bare_sentence
from mtag_core.segmentation import Segmenter
from mtag_core.tagging.arguments import TaggerOptions
from mtag_core.tagging.bundle import DEFAULT_BUNDLE
from mtag_core.tagging.tagged import BatchReport
from mtag_core.tagging.words import WordModel

TEXT = (
    "The old bridge was closed. Nobody knew why!\n\n"
    "Die Brücke über den Fluss ist gesperrt, aber der Bäcker fährt trotzdem.\n\n"
    "Мы живём у моря. Зимой здесь тихо.\n\n"
    "Köprü kapalıydı ama biz yine de geçtik."
)


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return Tagger.load()


def test_text_becomes_tagged_sentences(tagger):
    sentences = tagger.tag(TEXT)
    assert [s.sentence.language for s in sentences] == ["en", "en", "de", "ru", "ru", "tr"]
    the, old, bridge, *_ = sentences[0].tokens
    assert [the.upos, old.upos, bridge.upos] == ["DET", "ADJ", "NOUN"]
    assert bridge.feats == "Number=Sing"
    assert 0.5 < bridge.upos_score <= 1
    assert 0 < bridge.feats_score <= 1
    assert bridge.second_upos != bridge.upos


def test_offsets_slice_the_text(tagger):
    for sentence in tagger.tag(TEXT):
        assert TEXT[sentence.sentence.start : sentence.sentence.end] == sentence.text
        surfaces = {i for m in sentence.sentence.multiword_tokens for i in (m.first, m.last)}
        for index, token in enumerate(sentence):
            if index not in surfaces:
                assert TEXT[token.start : token.end] == token.form


def test_a_sentence_prints_as_conllu(tagger):
    lines = str(tagger.tag("Nobody knew why!")[0]).splitlines()
    (sentence,) = conllu.read([*lines, ""])
    assert [row[conllu.FORM] for row in sentence.tokens] == ["Nobody", "knew", "why", "!"]


def test_the_language_can_be_given(tagger):
    assert tagger.tag("Na.", language="cs")[0].sentence.language == "cs"


@pytest.mark.parametrize("called", ["FR", "fra", "fr-FR", "french"])
def test_a_language_may_go_by_any_of_its_names(tagger, called):
    text = "Il parle du temps."
    assert tagger.tag(text, language=called) == tagger.tag(text, language="fr")
    assert list(tagger.segment(text, called)) == list(tagger.segment(text, "fr"))
    [tagged] = tagger.tag_tokens([["Il", "parle"]], language=called)
    assert tagged.sentence.language == "fr"


def test_an_unknown_language_is_an_error_at_once(tagger):
    for tag in (
        lambda: tagger.tag("a", language="xx"),
        lambda: tagger.segment("a", "xx"),
        lambda: tagger.tag_tokens([["a"]], language="xx"),
    ):
        with pytest.raises(UsageError, match="language 'xx': unknown"):
            tag()


def test_sentences_that_name_no_language_get_the_one_of_their_text(tagger):
    texts = ["Nobody knew why.", "Die Brücke über den Fluss ist gesperrt.", "1 2 3"]
    given = [bare_sentence(tuple(text.split())) for text in texts]
    assert [s.language for s in tagger.identify(given)] == ["en", "de", "de"]
    assert [s.language for s in tagger.identify(given[2:])] == ["und"]
    named = [bare_sentence(("Nobody",), language="de"), *given]
    assert [s.language for s in tagger.identify(named)] == ["de", "und", "und", "und"]


def test_pipe_yields_a_list_a_text(tagger):
    texts = ["", "It is late. We are tired.", "\n", "Three.", "", ""]
    found = [[s.text for s in sentences] for sentences in tagger.pipe(texts)]
    assert found == [[], ["It is late.", "We are tired."], [], ["Three."], [], []]


def test_tokens_are_tagged_as_they_are(tagger):
    first, empty, second = tagger.tag_tokens([["Das", "geht", "nicht"], [], ["New York", "!"]])
    assert first.sentence.forms == ("Das", "geht", "nicht")
    assert len(empty) == 0
    assert [second.text[t.start : t.end] for t in second] == ["New York", "!"]


@pytest.mark.parametrize(
    ("sentences", "message"),
    [
        ([["a"], ["b", ""]], "sentence 1, token 1: empty form"),
        ([["a\ud800"]], r"sentence 0: lone surrogate '\\ud800' at offset 1"),
        (["abc"], "sentence 0: 'abc', expected a list of forms"),
    ],
)
def test_bad_tokens_are_named(tagger, sentences, message):
    with pytest.raises(UsageError, match=message):
        tagger.tag_tokens(sentences)


def test_a_lone_surrogate_is_named(tagger):
    with pytest.raises(UsageError, match=r"text: lone surrogate '\\udfff' at offset 2"):
        tagger.tag("ab\udfff")


@pytest.mark.parametrize("text", [None, b"bytes", 7])
def test_a_text_that_is_no_text_is_named(tagger, text):
    with pytest.raises(UsageError, match=f"text: {type(text).__name__}, expected str"):
        tagger.tag(text)


@pytest.mark.parametrize("piece_budget", [1, 64, 4096])
def test_tags_do_not_depend_on_order_or_batches(tagger, piece_budget):
    forms = [re.findall(r"\w+|[^\w\s]", line) for line in TEXT.split("\n\n")] * 3
    forms += [forms[0][:n] for n in range(1, 8)]
    expected = {tuple(f): (t.upos, t.feats, t.upos_scores, t.feats_scores)
                for f, t in zip(forms, tagger.tag_tokens(forms), strict=True)}  # fmt: skip
    random.Random(piece_budget).shuffle(forms)
    tagger.piece_budget, default = piece_budget, tagger.piece_budget
    found = tagger.tag_tokens(forms)
    tagger.piece_budget = default
    for f, t in zip(forms, found, strict=True):
        assert (t.upos, t.feats, t.upos_scores, t.feats_scores) == expected[tuple(f)]


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_tagged(tagger, text):
    for sentence in tagger.tag(text):
        assert len(sentence) == len(sentence.sentence.forms) > 0
        assert "" not in sentence.sentence.forms


def test_long_sentences_and_tokens_are_tagged_whole(tagger):
    forms = ["word"] * 5000 + ["x" * 10_000, "e" + "\u0301" * 100_000]
    (sentence,) = tagger.tag_tokens([forms])
    assert len(sentence) == len(sentence.tokens) == 5002


def test_each_batch_is_reported(tagger):
    reports: list[BatchReport] = []
    tagger.on_batch = reports.append
    tagger.tag_tokens([["a", "b"]] * 3 + [["a"]])
    tagger.on_batch = None
    assert [report.n_sentences for report in reports] == [1, 3]
    assert all(0 < r.n_pieces <= r.piece_budget and r.duration_s > 0 for r in reports)


def test_a_missing_bundle_is_named(tmp_path):
    with pytest.raises(BundleError, match="no model bundle"):
        Tagger.load(tmp_path / "nowhere")


POLISH = "Stary dom stoi przy drodze. Nikt w nim nie mieszka."


def test_a_style_changes_the_tags_of_its_language_alone(tagger):
    # The treebanks contradict each other; what is not told may guess either of them.
    lfg, sz = (Tagger.load(treebank_style=(name,)) for name in ("pl_lfg", "pl_sz"))
    text = f"{POLISH}\n\nThe old bridge was closed."
    plain, by_lfg, by_sz = tagger.tag(text), lfg.tag(text), sz.tag(text)
    assert [s.feats for s in by_lfg[:2]] != [s.feats for s in by_sz[:2]]
    assert plain[2:] == by_lfg[2:] == by_sz[2:]
    assert len({tagger.digest, lfg.digest, sz.digest}) == 3


def test_a_tagger_can_follow_other_styles_later(tagger):
    following = tagger.following(("pl_lfg",))
    assert following.tag(POLISH) == Tagger.load(treebank_style=("pl_lfg",)).tag(POLISH)
    assert following.following(()).digest == tagger.digest


def test_a_followed_treebank_cuts_text_where_it_has_a_segmenter(
    bundled_segmenters, tmp_path, fake_langid
):
    (tmp_path / "generic.linear.npz").symlink_to(bundled_segmenters / "generic.linear.npz")
    (tmp_path / "fr_sequoia.splits.npz").symlink_to(bundled_segmenters / "fr.splits.npz")
    following = Tagger(
        segmenter=Segmenter.load(tmp_path, fake_langid),
        model=WordModel.load(DEFAULT_BUNDLE),
        labels=load_labels(DEFAULT_BUNDLE),
        digest="x",
        options=TaggerOptions(treebank_style=("fr_sequoia",)),
    )
    text = "Il parle du voisin."
    (told,) = following.tag(text, language="fr")
    assert told.sentence.forms == ("Il", "parle", "de", "le", "voisin", ".")
    untold = following.following(())
    (whole,) = untold.tag(text, language="fr")
    assert whole.sentence.forms == ("Il", "parle", "du", "voisin", ".")
    (cut,) = untold.tag(text, language="fr", segmented_as="fr_sequoia")
    assert cut.sentence == told.sentence
    assert cut.upos_scores != told.upos_scores


def test_tokens_need_a_language_to_follow_its_style(tagger):
    following = tagger.following(("pl_lfg",))
    tokens = [POLISH.split()]
    assert following.tag_tokens(tokens) == tagger.tag_tokens(tokens)
    (told,) = following.tag_tokens(tokens, language="pl")
    assert told.sentence.language == "pl"
    assert told.feats != tagger.tag_tokens(tokens)[0].feats


def test_styles_do_not_depend_on_the_batch(tagger):
    following = tagger.following(("pl_lfg", "de_gsd"))
    parts = [POLISH, "Die Brücke ist gesperrt.", "Nobody knew why!"]
    alone = [s.feats_scores for part in parts for s in following.tag(part)]
    assert [s.feats_scores for s in following.tag("\n\n".join(parts))] == alone


def test_a_mixed_document_has_one_style_and_does_not_depend_on_others(tagger):
    mixed = tagger.following(("mixed",))
    like_sz = (
        "Nowa firma trafi do pierwszej piątki europejskich ubezpieczycieli. "
        "Minister powiedział, że ustawa została przyjęta przez Sejm w 1995 roku."
    )
    texts = [POLISH, like_sz, f"{like_sz} {POLISH} {like_sz}", "Nobody knew why!", POLISH]
    alone = [mixed.tag(text, language="pl") for text in texts]
    assert list(mixed.pipe(texts, language="pl")) == alone
    styles = [{sentence.sentence.treebank for sentence in text} for text in alone]
    assert styles[:3] == [{"pl_lfg"}, {"pl_sz"}, {"pl_sz"}]
    told = tagger.following(("pl_sz",)).tag(texts[2], language="pl")
    assert [s.feats_scores for s in alone[2]] == [s.feats_scores for s in told]
    tokens = [list(sentence.sentence.forms) for sentence in told]
    of_tokens = mixed.tag_tokens(tokens, language="pl")
    assert [s.feats for s in of_tokens] == [s.feats for s in told]


def test_all_windows_of_a_long_sentence_follow_the_style(tagger):
    following = tagger.following(("pl_lfg",))
    tokens = POLISH.split() * 60
    mixed = tagger.following(("mixed",))
    plain, told = (t.tag_tokens([tokens], language="pl")[0].feats for t in (mixed, following))
    third = len(tokens) // 3
    assert all(plain[i : i + third] != told[i : i + third] for i in (0, third, 2 * third))


def test_the_bundle_lists_its_treebanks(tagger):
    assert {"pl_lfg", "pl_sz", "fr_sequoia"} <= set(tagger.treebanks)
    with pytest.raises(UsageError, match="treebank style 'pl': no treebank of the model"):
        tagger.following(("pl",))


def test_serbian_has_the_same_tags_in_both_scripts(tagger):
    latin = "Njegova majka je trčala kući jer su psi lajali celu noć.".split()
    cyrillic = "Његова мајка је трчала кући јер су пси лајали целу ноћ.".split()
    first, second = tagger.tag_tokens([latin, cyrillic], language="sr")
    assert [(t.upos, t.feats) for t in first.tokens] == [(t.upos, t.feats) for t in second.tokens]
    assert [t.lemma for t in second.tokens][:4] == ["његов", "мајка", "бити", "трчати"]
