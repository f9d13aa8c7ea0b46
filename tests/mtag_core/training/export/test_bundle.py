import json
import shutil

import pytest

from mtag_core import Tagger
from mtag_core.__main__ import main
from mtag_core.labels import UPOS_LABELS, Labels, load_labels
from mtag_core.tagging.bundle import DEFAULT_BUNDLE
from mtag_core.training.data.train_dev_split import read_split
from mtag_core.training.data.treebanks import LabelledSentence
from mtag_core.training.export import bundle
from tests.mtag_core.training.tiny_word_model import RULES, write_word_model

ROWS = [("ab", "ab", "NOUN", "F=V1"), ("cde", "ca", "VERB", "F=V2"), (".", ".", "PUNCT", "_")]


def _conllu() -> str:
    rows = [
        f"{i}\t{form}\t{lemma}\t{upos}\t_\t{feats}\t_\t_\t_\t_\n"
        for i, (form, lemma, upos, feats) in enumerate(ROWS, start=1)
    ]
    return "".join([*rows, "\n"]) * 3


@pytest.fixture
def treebanks(tmp_path):
    folder = tmp_path / "ud" / "UD_X-A"
    folder.mkdir(parents=True)
    for part in ("train", "dev", "test"):
        (folder / f"xx_a-ud-{part}.conllu").write_text(_conllu())
    index = "treebank\tlicense\nUD_X-A\tCC-BY-4.0\n"
    (tmp_path / "ud" / "INDEX.tsv").write_text(index)
    return tmp_path / "ud"


@pytest.fixture
def model(tmp_path):
    return write_word_model(tmp_path / "model")


def _export(model, treebanks, output, *more):
    common = ["--model", str(model), "--treebanks", str(treebanks), "--output", str(output)]
    return main(["export", *common, *more])


def test_a_trained_model_becomes_a_bundle_with_a_card(model, treebanks, tmp_path, capsys):
    notes = tmp_path / "notes.md"
    notes.write_text("By hand, at dawn.")
    assert _export(model, treebanks, tmp_path / "out", "--notes", str(notes)) == 0
    tagger = Tagger.load(tmp_path / "out")
    (sentence,) = tagger.tag_tokens([["ab", "cde", "."]])
    assert len(sentence.upos) == 3
    card = (tmp_path / "out" / "README.md").read_text()
    assert "| xx_a | CC-BY-4.0 |" in card
    assert "By hand, at dawn." in card
    scores = json.loads((tmp_path / "out" / "bundle.json").read_text())["scores"]
    told = {"dev, treebank told", "test, treebank told"}
    assert set(scores) == {"dev", "test", "dev, float32", *told}


def test_a_language_with_many_tokens_has_labels_of_its_own(treebanks, monkeypatch):
    labels = Labels(
        UPOS_LABELS,
        ("_", "F=V1", "F=V2"),
        ((0, 1, 2),) * 17,
        ("yy_b", "xx_a"),
        RULES,
        ((0, 1, 2),) * 17,
    )
    sentences = read_split(treebanks, train_on_dev=True).learnt
    assert bundle._language_labels(labels, sentences) is None
    monkeypatch.setattr(bundle, "_MIN_LANGUAGE_TOKENS", 9)
    found = bundle._language_labels(labels, sentences)
    assert found.of_treebank == [-1, 0]
    (feats,) = found.feats
    by_tag = dict(zip(UPOS_LABELS, feats, strict=True))
    assert (by_tag["NOUN"], by_tag["VERB"], by_tag["X"]) == ([1], [2], [0])


def _groups(*pairs, known=()):
    """FEATS of each part of speech, in sentences of one token each."""
    head = bundle._Head(("_", "Sing", "Plur", "Nom"), lambda sentence: sentence.feats, "_")
    sentences = [LabelledSentence("xx_a", ("x",), (upos,), (feats,)) for upos, feats in pairs]
    return dict(zip(UPOS_LABELS, head.groups(sentences, known), strict=True))


def test_labels_go_with_the_parts_of_speech_they_occur_with():
    pairs = [("NOUN", "Sing"), ("VERB", "Sing"), ("VERB", "Nom")]
    groups = _groups(*pairs, pairs[0])
    # Plural never occurs and goes with all; the nominative is too rare for any.
    assert groups["NOUN"] == (0, 1, 2)
    assert groups["VERB"] == groups["X"] == (0, 2)


def test_labels_go_with_what_they_went_with_in_the_bundle_before():
    groups = _groups(("NOUN", "Nom"), known=[(0, 1)] * len(UPOS_LABELS))
    assert groups["NOUN"] == (0, 1, 3)
    assert groups["VERB"] == (0, 1)


def test_a_word_student_becomes_a_bundle(treebanks, tmp_path):
    model = write_word_model(tmp_path / "words")
    config = json.loads((model / "config.json").read_text())
    config["treebanks"], config["styles"] = ["xx_a", "yy_b"], {"xx": "xx_a"}
    (model / "config.json").write_text(json.dumps(config))
    with (treebanks / "UD_X-A" / "xx_a-ud-train.conllu").open("a") as train:
        train.write("1\tfed\tjig\tVERB\t_\tF=V2\t_\t_\t_\t_\n\n")
    assert _export(model, treebanks, tmp_path / "out") == 0
    tagger = Tagger.load(tmp_path / "out")
    (sentence,) = tagger.tag_tokens([["ab", "cde", "."]])
    assert len(sentence.lemmas or ()) == 3
    # No rule of the model makes this lemma.
    assert tagger.tag_tokens([["fed"]], language="xx")[0].lemmas == ("jig",)
    assert tagger.tag_tokens([["fed"]], language="yy")[0].lemmas != ("jig",)
    labels = load_labels(tmp_path / "out")
    assert labels.styles == {"xx": "xx_a"}
    # Each language has one treebank.
    assert labels.classifier.languages == frozenset()
    # Lemmas of the treebank: `aba` of `ab`, `ca` of `cde`.
    rules = {
        upos: {labels.lemma_rules[rule] for rule in labels.lemma_rules_of_upos[index]}
        for index, upos in enumerate(labels.upos)
    }
    assert "l|0+|2+a" in rules["VERB"] - rules["NOUN"]
    card = (tmp_path / "out" / "README.md").read_text()
    assert f"a lemma by one of {len(RULES)} rules" in card
    assert "have the lemma rule of treebanks" in card
    assert "logits divided by 2.00 (UPOS) and 0.50 (FEATS)" in card


def test_scores_can_be_left_out(model, treebanks, tmp_path):
    assert _export(model, treebanks, tmp_path / "out", "--skip_scores") == 0
    assert json.loads((tmp_path / "out" / "bundle.json").read_text())["scores"] == {}
    Tagger.load(tmp_path / "out")


@pytest.mark.parametrize("without_gain", [set(), {"xx"}])
def test_known_lemmas_that_mend_nothing_are_left_out(
    model, treebanks, tmp_path, monkeypatch, without_gain
):
    monkeypatch.setattr(bundle, "languages_without_gain", lambda *_: without_gain)
    assert _export(model, treebanks, tmp_path / "out", "--skip_scores") == 0
    assert (tmp_path / "out" / "lemmas.known.npz").exists() == (not without_gain)
    Tagger.load(tmp_path / "out")


def test_each_file_is_written_once(model, treebanks, tmp_path, monkeypatch):
    written = []
    for name in ("save_labels", "write_manifest"):
        write = getattr(bundle, name)

        def note(*args, write=write, name=name, **more):
            written.append((name, args[-1] if name == "save_labels" else args[0]))
            return write(*args, **more)

        monkeypatch.setattr(bundle, name, note)
    assert _export(model, treebanks, tmp_path / "out") == 0
    output = tmp_path / "out"
    assert [name for name, path in written if path == output] == ["save_labels", "write_manifest"]


def test_common_words_of_languages_are_needed(model, treebanks, tmp_path, capsys):
    shutil.copy(DEFAULT_BUNDLE / "langid.ftz", tmp_path)
    (tmp_path / "own" / "segmenters").mkdir(parents=True)
    shutil.copy(DEFAULT_BUNDLE / "segmenters" / "generic.linear.npz", tmp_path / "own/segmenters")
    flags = ["--langid", str(tmp_path / "langid.ftz"), "--skip_scores"]
    flags += ["--segmenters", str(tmp_path / "own" / "segmenters")]
    assert _export(model, treebanks, tmp_path / "out", *flags) == 1
    assert f"{tmp_path}/langid.words.npz: missing" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    # Where a bundle has them.
    shutil.copy(DEFAULT_BUNDLE / "langid.words.npz", tmp_path / "own")
    assert _export(model, treebanks, tmp_path / "out", *flags) == 0


def test_feats_are_scored_with_the_part_of_speech_they_occur_with(model, treebanks, tmp_path):
    _export(model, treebanks, tmp_path / "out", "--skip_scores")
    labels = load_labels(tmp_path / "out")
    noun = labels.feats_of_upos[labels.upos.index("NOUN")]
    assert labels.feats.index("F=V1") in noun
    assert labels.feats.index("F=V2") not in noun


def test_a_full_directory_is_left_alone(model, treebanks, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    assert _export(model, treebanks, tmp_path / "out") == 1
    assert "expected an empty or missing directory" in capsys.readouterr().err


def test_a_directory_that_is_no_model_is_named(treebanks, tmp_path, capsys):
    assert _export(tmp_path / "nothing", treebanks, tmp_path / "out") == 1
    assert "nothing: not a trained model directory" in capsys.readouterr().err
