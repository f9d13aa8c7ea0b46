import pytest

from mtag_core.training.segmenters.treebank_text import (
    language_sentences,
    running_text,
    training_files,
    treebank_sentences,
)

_BLANK = "\t_" * 8


@pytest.fixture
def files(tmp_path):
    """Ten sentences of French news, a thousand of a larger treebank, and ten of speech."""
    for name, form, n in (("gsd", "un", 10), ("sequoia", "deux", 1000), ("spoken", "euh", 10)):
        sentence = f"1\t{form}{_BLANK}\n2\tmot{_BLANK}\n\n"
        (tmp_path / f"fr_{name}-ud-train.conllu").write_text(sentence * n)
        (tmp_path / f"fr_{name}-ud-test.conllu").write_text("not read")
    return training_files(tmp_path)["fr"]


def _n_words(sentences):
    """The number of words of each sentence, by its first one."""
    found = {}
    for sentence in sentences:
        rows = sentence.splitlines()
        found.setdefault(rows[0].split("\t")[1], []).append(len(rows))
    return found


def test_what_a_small_file_lacks_the_others_give(files):
    found = _n_words(language_sentences(files, 90))
    assert found["un"] == [2] * 10
    assert len(found["deux"]) >= 25


def test_speech_is_a_small_part_and_teaches_no_sentence_ends(files):
    assert _n_words(language_sentences(files, 600))["euh"] == [20]
    assert "euh" not in _n_words(language_sentences(running_text(files), 600))


def test_speech_alone_is_taken_as_it_is(files):
    spoken = [path for path in files if "spoken" in path.name]
    assert running_text(spoken) == spoken
    assert _n_words(language_sentences(spoken, 600)) == {"euh": [2] * 10}


def test_a_small_treebank_comes_before_others_of_its_language(files):
    found = _n_words(treebank_sentences("fr_spoken", files, 100))
    assert list(found) == ["euh", "un", "deux"]
    assert found["euh"] == [2] * 10


def test_a_treebank_gives_no_more_than_asked(files):
    assert _n_words(treebank_sentences("fr_gsd", files, 6))["un"] == [2] * 3
