"""Rows for the tests of writers."""

from mtag_core.records import MultiwordToken, OutputRow, Sentence
from tests.fake_tagger import FakeTagger, tagged_sentences


def example_rows(n_documents: int = 3) -> list[OutputRow]:
    rows = []
    for number in range(n_documents):
        text = f"Ana reads book {number}. The caf\u00e9 \u732b is open."
        tagged = enumerate(tagged_sentences(text))
        rows += [OutputRow(f"doc {number}", i, f"p.{number}.{i}", s) for i, s in tagged]
    return rows


def multiword_row() -> OutputRow:
    """A French "du pain", where "du" stands for two tokens."""
    sentence = Sentence(
        text="du pain",
        start=10,
        end=17,
        language="fr",
        forms=("de", "le", "pain"),
        starts=(10, 10, 13),
        ends=(12, 12, 17),
        multiword_tokens=(MultiwordToken(0, 1, "du", 10, 12),),
    )
    tagger = FakeTagger()
    [tagged] = tagger.tag_encoded([tagger.encode(sentence)])
    return OutputRow("repas", 0, "p.0.0", tagged)
