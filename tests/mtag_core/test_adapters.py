"""Adapters, with the real packages: tests of those that are not installed are skipped."""

import importlib
from dataclasses import replace

import pytest

from mtag_core import Tagger
from mtag_core.adapters import to_pandas, to_spacy
from mtag_core.errors import UsageError
from tests.mtag_core.tagging.test_tagged import TAGGED


@pytest.fixture
def sentences():
    second = replace(
        TAGGED,
        sentence=replace(
            TAGGED.sentence,
            text="Oui.",
            start=20,
            end=24,
            forms=("Oui", "."),
            starts=(20, 23),
            ends=(23, 24),
            multiword_tokens=(),
        ),
        upos=("INTJ", "PUNCT"),
        feats=("_", "_"),
        upos_scores=(1.0, 1.0),
        second_upos=("X", "X"),
        feats_scores=(1.0, 1.0),
        lemmas=("oui", "."),
    )
    return [TAGGED, second]


def test_a_spacy_document_has_the_tags(sentences):
    pytest.importorskip("spacy")
    doc = to_spacy(sentences)
    assert doc.text == "de le <pain> Oui."
    assert [token.pos_ for token in doc] == ["ADP", "DET", "NOUN", "INTJ", "PUNCT"]
    assert [token.lemma_ for token in doc] == ["de", "le", "pain", "oui", "."]
    assert doc[1].morph.to_dict() == {"Definite": "Def", "PronType": "Art"}
    assert [sentence.text for sentence in doc.sents] == ["de le <pain>", "Oui."]


def test_a_spacy_document_of_nothing_is_empty():
    pytest.importorskip("spacy")
    assert len(to_spacy([])) == 0


def test_the_spacy_component_tags_in_the_language_of_the_pipeline():
    spacy = pytest.importorskip("spacy")
    # An installed mtag has an entry point for it.
    importlib.import_module("mtag_core.spacy_component")
    nlp = spacy.blank("fr")
    nlp.add_pipe("mtag")
    text = "Le chat dort. Il rêve."
    doc = nlp(text)
    assert doc.text == text
    tagged = Tagger.load(language="fr").tag(text)
    assert [token.pos_ for token in doc] == [token.upos for each in tagged for token in each]
    assert len(list(doc.sents)) == 2


def test_a_frame_has_a_row_a_token(sentences):
    pytest.importorskip("pandas")
    frame = to_pandas(sentences)
    assert frame["form"].tolist() == ["de", "le", "<pain>", "Oui", "."]
    assert frame["sentence"].tolist() == [0, 0, 0, 1, 1]
    assert frame["token"].tolist() == [0, 1, 2, 0, 1]
    assert frame[frame.upos == "NOUN"].lemma.tolist() == ["pain"]
    assert to_pandas(TAGGED).equals(frame[:3])


def test_a_frame_of_nothing_has_the_columns(sentences):
    pytest.importorskip("pandas")
    assert to_pandas([]).columns.tolist() == to_pandas(sentences).columns.tolist()


@pytest.mark.parametrize(("adapter", "package"), [(to_spacy, "spacy"), (to_pandas, "pandas")])
def test_a_package_that_is_missing_is_named(monkeypatch, adapter, package):
    monkeypatch.setitem(__import__("sys").modules, package, None)
    monkeypatch.setitem(__import__("sys").modules, f"{package}.tokens", None)
    with pytest.raises(UsageError, match=f"pip install {package}"):
        adapter([])
