from mtag_core.languages import LANGUAGES
from mtag_core.training.treebank_facts import TREEBANK_FACTS, TreebankFacts, facts_of


def test_every_treebank_has_one_row_that_says_something():
    assert list(TREEBANK_FACTS) == sorted(TREEBANK_FACTS)
    assert all(facts != TreebankFacts(name) for name, facts in TREEBANK_FACTS.items())


def test_languages_and_written_standards_are_known():
    for name, facts in TREEBANK_FACTS.items():
        language = name.partition("_")[0]
        assert language in LANGUAGES
        assert facts.standard is None or LANGUAGES[facts.standard].standard_of == language


def test_a_treebank_without_a_row_has_the_defaults():
    assert facts_of("en_toy") == TreebankFacts("en_toy")
