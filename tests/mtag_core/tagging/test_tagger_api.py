"""What callers of `Tagger` may pass, and what they are told where they may not."""

import itertools
import pickle

import pytest

from mtag_core import Tagger
from mtag_core.errors import UsageError
from mtag_core.tagging.arguments import TaggerOptions

TEXTS = ["The old bridge was closed.", "", "Der Fluss ist breit. Niemand weiß warum."]


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return Tagger.load()


def test_pipe_takes_the_language_of_all_texts(tagger):
    tagged = list(tagger.pipe(["Das war es.", "Nein."], language="German"))
    assert [s.language for sentences in tagged for s in sentences] == ["de", "de"]


def test_pairs_keep_what_comes_with_a_text(tagger):
    pairs = list(tagger.pipe(zip(TEXTS, "abc", strict=True), as_tuples=True))
    assert [context for _, context in pairs] == ["a", "b", "c"]
    assert [sentences for sentences, _ in pairs] == list(tagger.pipe(TEXTS))


def test_pairs_may_come_without_end(tagger):
    pairs = ((f"Number {n} is here.", n) for n in itertools.count())
    found = tagger.pipe(pairs, as_tuples=True)
    assert [next(found)[1] for _ in range(3)] == [0, 1, 2]


def test_processes_give_the_same_in_the_same_order(tagger):
    texts = [f"The bridge number {n} was closed. Why?" for n in range(600)]
    assert list(tagger.pipe(texts, n_process=2)) == list(tagger.pipe(texts))


def test_an_error_in_a_process_comes_back(tagger):
    with pytest.raises(UsageError, match="text 1: NoneType, expected str"):
        list(tagger.pipe(["a", None], n_process=2))


def test_a_tagger_pickles_by_path_and_options():
    tagger = Tagger.load(treebank_style=["pl_lfg"], languages=["pl", "en"])
    tagger.piece_budget = 77
    again = pickle.loads(pickle.dumps(tagger))
    assert (again.digest, again.options) == (tagger.digest, tagger.options)
    assert again.piece_budget == 77
    assert again.tag(TEXTS[0]) == tagger.tag(TEXTS[0])


def test_a_tagger_made_of_parts_does_not_pickle(tagger):
    parts = Tagger(
        segmenter=tagger._segmenter, model=tagger._model, labels=tagger._labels, digest="x"
    )
    with pytest.raises(TypeError, match=r"only a tagger that Tagger\.load opened"):
        pickle.dumps(parts)


def test_the_language_can_be_given_for_all_texts():
    tagger = Tagger.load(language="French")
    assert [s.language for s in tagger.tag("The old bridge was closed.")] == ["fr"]
    assert [s.language for s in tagger.tag("The end.", language="en")] == ["en"]
    assert tagger.tag_tokens([["Le", "chat"]])[0].language == "fr"


def test_languages_can_be_chosen_among():
    text = "Das Haus ist sehr alt und steht am Fluss.\n\nThe old bridge was closed for repairs."
    assert [s.language for s in Tagger.load().tag(text)] == ["de", "en"]
    assert Tagger.load(languages=["de", "fr"]).tag(text)[0].language == "de"
    assert {s.language for s in Tagger.load(languages=["nl", "fr"]).tag(text)} <= {"nl", "fr"}
    assert {s.language for s in Tagger.load(languages=["Italian"]).tag(text)} == {"it"}


def test_a_language_to_choose_stands_for_its_written_standards():
    text = "Jeg har ikke sett ham siden i fjor, men han ringer av og til om kvelden."
    assert Tagger.load(languages=["no", "sv"]).tag(text)[0].language in ("no", "nb", "nn")


def test_the_tagger_says_which_languages_are_trained(tagger):
    languages = tagger.languages
    assert list(languages) == sorted(languages)
    assert languages["fr"] == languages["nn"] == "trained"
    assert languages["sw"] == "named"


def test_the_language_of_a_text_comes_with_its_probability(tagger):
    code, probability = tagger.find_language("Der Fluss ist sehr breit und niemand weiß warum.")
    assert code == "de"
    assert 0.5 < probability <= 1
    assert tagger.find_language("123") == ("und", 0.0)
    with pytest.raises(UsageError, match="text: NoneType, expected str"):
        tagger.find_language(None)


def test_sentences_of_untrained_languages_can_be_left_out(tagger):
    text = "The old bridge was closed.\n\nWatoto wanacheza mpira katika uwanja wa shule yetu."
    assert [(s.language, s.is_trained) for s in tagger.tag(text)] == [("en", True), ("sw", False)]
    assert not tagger.tag_tokens([["Watoto"]], language="sw")[0].is_trained
    skipping = Tagger.load(untrained="skip")
    assert [s.language for s in skipping.tag(text)] == ["en"]
    assert [len(sentences) for sentences in skipping.pipe([text, text])] == [1, 1]


def test_options_are_part_of_the_digest(tagger):
    given = [
        TaggerOptions(),
        TaggerOptions(language="fr"),
        TaggerOptions(languages=("fr",)),
        TaggerOptions(untrained="skip"),
        TaggerOptions(treebank_style=("fr_gsd",)),
    ]
    assert len({options.digest(tagger.digest) for options in given}) == len(given)
    assert given[0].digest(tagger.digest) == tagger.digest
    assert TaggerOptions(language="French").checked(()) == given[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"language": "Frensh"}, "language 'Frensh': unknown; did you mean fr (French)?"),
        ({"languages": ["en", "xx"]}, "language 'xx': unknown"),
        ({"languages": "en"}, "languages: 'en', expected a list of languages"),
        ({"treebank_style": "pl_lfg"}, "treebank_style: 'pl_lfg', expected a list of treebanks"),
        ({"treebank_style": None}, "treebank_style: NoneType, expected a list of treebanks"),
        ({"language": "en", "languages": ["fr"]}, "give either the language"),
        ({"untrained": "drop"}, "untrained: 'drop', expected one of tag, skip"),
    ],
)
def test_options_that_mean_nothing_are_named(options, message):
    with pytest.raises(UsageError) as error:
        Tagger.load(**options)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: t.tag(None), "text: NoneType, expected str"),
        (lambda t: t.tag(["a"]), "text: list, expected str; for several texts use pipe"),
        (lambda t: t.pipe("a"), "texts: 'a', expected texts; for one text use tag"),
        (lambda t: t.pipe(None), "texts: NoneType, expected texts"),
        (lambda t: list(t.pipe(["a", 1])), "text 1: int, expected str"),
        (lambda t: t.pipe(["a"], n_process=0), "n_process: 0, expected a whole number above 0"),
        (lambda t: t.pipe(["a"], n_process="2"), "n_process: '2', expected a whole number above 0"),
        (lambda t: t.tag("a", language=5), "language: int, expected str"),
        (lambda t: type(t).load(language=5), "language: int, expected str"),
        (lambda t: list(t.pipe(["ab"], as_tuples=True)), "text 0: 'ab', expected a pair"),
        (lambda t: t.pipe(["a"], language="xx"), "language 'xx': unknown"),
        (lambda t: t.tag_tokens("a b"), "sentences: 'a b', expected lists of forms"),
        (lambda t: t.tag_tokens(["a", "b"]), "sentence 0: 'a', expected a list of forms"),
        (lambda t: t.tag_tokens([None]), "sentence 0: NoneType, expected a list of forms"),
        (lambda t: t.tag_tokens([["a", None]]), "sentence 0, token 1: NoneType, expected str"),
        (lambda t: t.tag_tokens([["a", ""]]), "sentence 0, token 1: empty form"),
    ],
)
def test_calls_with_something_else_are_one_clear_error(tagger, call, message):
    with pytest.raises(UsageError) as error:
        call(tagger)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "likely", "found"),
    [
        ("Hallo!", "en", "en"),
        ("Hallo!", "English", "en"),
        ("Die Brücke ist sehr alt und steht am Fluss.", "en", "de"),
        ("Eg heiter Ola og kjem frå Bergen, og det er fint der.", "nn", "nn"),
        ("Die Brücke ist sehr alt und steht am Fluss.", "xx", "de"),
    ],
)
def test_a_likely_language_holds_unless_the_text_is_surely_in_another(tagger, text, likely, found):
    [sentence] = tagger.segment(text, likely_language=likely)
    assert sentence.language == found


@pytest.mark.parametrize("options", [{"language": "de"}, {"languages": ["de", "fr"]}])
def test_what_a_user_says_of_languages_comes_before_what_is_likely(options):
    [sentence] = Tagger.load(**options).segment("Hallo!", likely_language="en")
    assert sentence.language in ("de", "fr")


def test_lemmas_of_turkish_capitals_are_in_turkish_small_letters(tagger):
    (sentence,) = tagger.tag("KIRMIZI IŞIK VE İSTANBUL ÇOK GÜZEL ŞEHİRLERDİR.", language="tr")
    lemmas = [token.lemma for token in sentence]
    assert lemmas[:4] == ["kırmızı", "ışık", "ve", "istanbul"]
