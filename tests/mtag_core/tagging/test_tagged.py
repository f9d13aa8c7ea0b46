import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from mtag_core.records import Document, MultiwordToken, Sentence
from mtag_core.tagging.tagged import TaggedDocument, TaggedSentence, visible

SENTENCE = Sentence(
    text="du <pain>",
    start=10,
    end=19,
    language="fr",
    forms=("de", "le", "<pain>"),
    starts=(10, 10, 13),
    ends=(12, 12, 19),
    multiword_tokens=(MultiwordToken(0, 1, "du", 10, 12),),
)
TAGGED = TaggedSentence(
    SENTENCE,
    upos=("ADP", "DET", "NOUN"),
    feats=("_", "Definite=Def|PronType=Art", "Gender=Masc"),
    upos_scores=(0.9, 0.8, 0.7),
    second_upos=("X", "PRON", "VERB"),
    feats_scores=(0.6, 0.5, 0.4),
    lemmas=("de", "le", "pain"),
)


def test_a_sentence_is_a_sequence_of_tokens():
    assert len(TAGGED) == 3
    assert [token.form for token in TAGGED] == ["de", "le", "<pain>"]
    assert TAGGED[-1] == TAGGED.tokens[2]
    assert [token.upos for token in TAGGED[:2]] == ["ADP", "DET"]
    with pytest.raises(IndexError):
        TAGGED[3]


def test_a_token_has_its_features_by_name_and_its_lemma():
    assert TAGGED[1].feats_dict == {"Definite": "Def", "PronType": "Art"}
    assert TAGGED[0].feats_dict == {}
    assert [token.lemma for token in TAGGED] == ["de", "le", "pain"]


def test_a_bundle_without_lemmas_gives_none():
    without = replace(TAGGED, lemmas=None)
    assert [token.lemma for token in without] == [None] * 3
    assert "\t<pain>\t_\tNOUN\t" in str(without)
    assert "\t<pain>\tpain\tNOUN\t" in str(TAGGED)


def test_a_sentence_becomes_values_of_json():
    value = json.loads(json.dumps(TAGGED.to_dict()))
    assert (value["text"], value["language"], value["start"]) == ("du <pain>", "fr", 10)
    assert value["tokens"][2] == {
        "form": "<pain>",
        "start": 13,
        "end": 19,
        "upos": "NOUN",
        "feats": "Gender=Masc",
        "upos_score": 0.7,
        "second_upos": "VERB",
        "feats_score": 0.4,
        "lemma": "pain",
    }
    assert value["multiword_tokens"] == [
        {"first": 0, "last": 1, "form": "du", "start": 10, "end": 12}
    ]


def test_a_document_is_in_the_language_of_most_tokens():
    german = replace(TAGGED, sentence=replace(SENTENCE, language="de"))
    document = Document("a", "", "a.txt")
    assert TaggedDocument(document, (TAGGED, german, german)).language == "de"
    assert TaggedDocument(document, ()).language == "und"


class _Spans(HTMLParser):
    def __init__(self):
        super().__init__()
        self.titles, self.text, self.div = [], "", {}

    def handle_starttag(self, tag, attributes):
        if tag == "span":
            self.titles.append(dict(attributes)["title"])
        elif tag == "div":
            self.div = dict(attributes)

    def handle_data(self, data):
        self.text += data + " "


def test_notebooks_show_tags_and_features_on_hover():
    spans = _Spans()
    spans.feed(TAGGED._repr_html_())
    assert spans.titles == ["de", "le\nDefinite=Def\nPronType=Art", "pain\nGender=Masc"]
    assert spans.text.split() == ["de", "ADP", "le", "DET", "<pain>", "NOUN"]
    assert (spans.div["lang"], spans.div["dir"]) == ("fr", "auto")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a\nb\tc", "a b c"),
        ("\ud800\x00\u202e", "\ufffd" * 3),
        ("می‌خواهم", "می‌خواهم"),
        ("a\u00a0b", "a b"),
    ],
)
def test_invisible_characters_are_shown(value, shown):
    assert visible(value) == shown
    visible(value).encode()
