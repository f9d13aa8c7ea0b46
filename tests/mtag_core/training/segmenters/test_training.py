import lzma

import pytest

from mtag_core.__main__ import main
from mtag_core.segmentation import Segmenter
from mtag_core.segmentation.boundary_layers import BoundaryLayer
from mtag_core.segmentation.splits import SplitModel
from mtag_core.training.data.treebanks import Surface
from mtag_core.training.segmenters.treebanks import split_line

_TEXTS = ["The cat sleeps .", "My dog , too .", "A bird sings !", "We see it .", "It is late ."]


def _conllu(text):
    forms = text.split()
    rows = [
        f"{i}\t{form}" + "\t_" * 7 + ("\tSpaceAfter=No" if after in ".,!" else "\t_")
        for i, (form, after) in enumerate(zip(forms, [*forms[1:], "x"], strict=True), start=1)
    ]
    return "\n".join([*rows, "", ""])


@pytest.fixture
def treebanks(tmp_path):
    directory = tmp_path / "ud" / "UD_English-Own"
    directory.mkdir(parents=True)
    content = "".join(map(_conllu, _TEXTS)) * 5
    (directory / "en_own-ud-train.conllu").write_text(content)
    (directory / "en_own-ud-test.conllu").write_text("not read")
    return tmp_path / "ud"


def _train(treebanks, output, *flags):
    command = ["train-segmenters", "--treebanks", str(treebanks), "--output", str(output)]
    return main([*command, *flags])


def test_trained_segmenters_split_text(treebanks, tmp_path, fake_langid):
    assert _train(treebanks, tmp_path / "out") == 0
    segmenter = Segmenter.load(tmp_path / "out", fake_langid)
    assert segmenter.languages == ("en",)
    sentences = list(segmenter.segment("The dog sleeps. It sings!", "en"))
    assert [s.forms for s in sentences] == [("The", "dog", "sleeps", "."), ("It", "sings", "!")]


def test_finished_language_is_not_trained_again(treebanks, tmp_path):
    (tmp_path / "out").mkdir()
    model = tmp_path / "out" / "generic.linear.npz"
    model.write_bytes(b"trained before")
    assert _train(treebanks, tmp_path / "out", "--languages", "generic") == 0
    assert model.read_bytes() == b"trained before"
    assert not (tmp_path / "out" / "en.linear.npz").exists()


def test_language_without_treebank_is_an_error(treebanks, tmp_path, capsys):
    assert _train(treebanks, tmp_path / "out", "--languages", "fr") == 2
    assert "fr: nothing to train on; there are en" in capsys.readouterr().err


def test_a_treebank_gets_a_segmenter_of_its_own(treebanks, tmp_path, fake_langid):
    own = treebanks / "en_tweets-ud-train.conllu"
    own.write_text(_conllu("see #cat :) now") * 30)
    assert _train(treebanks, tmp_path / "out", "--languages", "en_tweets", "generic") == 0
    assert not (tmp_path / "out" / "en.linear.npz").exists()
    segmenter = Segmenter.load(tmp_path / "out", fake_langid).following(("en_tweets",))
    forms = [form for s in segmenter.segment("now see #cat :) now", "en") for form in s.forms]
    assert forms == ["now", "see", "#cat", ":)", "now"]


def test_a_treebank_without_training_file_is_an_error(treebanks, tmp_path, capsys):
    assert _train(treebanks, tmp_path / "out", "--languages", "en_other") == 2
    assert "en_other: nothing to train on; there are en, en_own" in capsys.readouterr().err


def test_directory_without_treebanks_is_an_error(tmp_path, capsys):
    assert _train(tmp_path, tmp_path / "out") == 2
    assert "no *-train.conllu" in capsys.readouterr().err


def _own_treebank(tmp_path, name, sentence):
    path = tmp_path / "own" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(sentence * 30)
    return tmp_path / "own"


def test_split_model_is_trained_beside_its_tokenizer(tmp_path, fake_langid):
    blank = "\t_" * 8
    rows = f"1\tIl{blank}\n2\tparle{blank}\n3-4\tdu{blank}\n3\tde{blank}\n4\tle{blank}\n"
    own = _own_treebank(tmp_path, "fr_own-ud-train.conllu", f"{rows}5\tchat{blank}\n\n")
    assert _train(own, tmp_path / "out") == 0
    assert (tmp_path / "out" / "fr.splits.npz").exists()
    (sentence,) = Segmenter.load(tmp_path / "out", fake_langid).segment("Il parle du chat", "fr")
    assert sentence.forms == ("Il", "parle", "de", "le", "chat")


def test_split_models_learn_from_labelled_text(treebanks, tmp_path):
    blank = "\t_" * 8
    habait = f"1-2\thabait{blank}\n1\tha{blank}\n2\tbait{blank}\n3\tgadol{blank}\n\n"
    (treebanks / "he_own-ud-train.conllu").write_text(habait * 20)
    text = [[Surface(form, (form,), True) for form in ("hakelev", "gadol")]] * 60
    with lzma.open(tmp_path / "he.splits.jsonl.xz", "wt") as sink:
        sink.writelines(map(split_line, text))
    flags = ["--languages", "he", "--labelled", str(tmp_path)]
    assert _train(treebanks, tmp_path / "out", *flags) == 0
    model = SplitModel.load(tmp_path / "out" / "he.splits.npz")
    assert model.split(["habait", "hakelev"]) == [("ha", "bait"), ("hakelev",)]


def test_training_again_gives_the_same_bytes(treebanks, tmp_path):
    (tmp_path / "text").mkdir()
    with lzma.open(tmp_path / "text" / "en.txt.xz", "wt") as sink:
        sink.writelines(f"Dr. Lee saw {n} cats sleep.\n" for n in range(40))
    for output in ("one", "two"):
        assert _train(treebanks, tmp_path / output, "--text", str(tmp_path / "text")) == 0
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    models = ["en.linear.npz", "generic.linear.npz", "langid.words.npz"]
    assert names == ["config.json", *models]
    for name in models:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_common_words_need_text(treebanks, tmp_path, capsys):
    assert _train(treebanks, tmp_path / "out", "--languages", "words") == 2
    assert "--text is missing" in capsys.readouterr().err


def test_text_without_marks_is_cut_where_sentences_begin(treebanks, tmp_path, fake_langid):
    speech = treebanks / "fr_spoken-ud-train.conllu"
    speech.write_text((_conllu("alors je viens ce soir") + _conllu("bon on verra bien")) * 40)
    (treebanks / "fr_own-ud-train.conllu").write_text(_conllu("Il vient ce soir .") * 40)
    assert _train(treebanks, tmp_path / "out", "--languages", "fr") == 0
    segmenter = Segmenter.load(tmp_path / "out", fake_langid)
    text = " ".join(["alors je viens ce soir bon on verra bien"] * 10)
    starts = {sentence.forms[0] for sentence in segmenter.segment(text, "fr")}
    assert starts == {"alors", "bon"}


def test_two_words_that_are_one_token_are_a_phrase(tmp_path):
    blank = "\t_" * 8
    forms = enumerate(("Vi", "ser", "t ex", "en", "katt", "fr o m", "nu"), start=1)
    sentence = "".join(f"{number}\t{form}{blank}\n" for number, form in forms)
    own = _own_treebank(tmp_path, "sv_own-ud-train.conllu", f"{sentence}\n")
    assert _train(own, tmp_path / "out", "--languages", "sv") == 0
    layer = BoundaryLayer.load(tmp_path / "out" / "sv.linear.npz")
    assert layer.phrases == {("t", "ex")}
