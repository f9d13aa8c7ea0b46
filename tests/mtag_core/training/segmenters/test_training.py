import lzma

import pytest

from mtag_core.__main__ import main
from mtag_core.segmentation import Segmenter
from mtag_core.segmentation.splits import SplitModel
from mtag_core.training.segmenters.split_labels import labelled_line
from mtag_core.training.segmenters.treebank_text import surface_tokens

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
    assert "fr: no treebank to train on; there are en" in capsys.readouterr().err


def test_a_treebank_gets_a_segmenter_of_its_own(treebanks, tmp_path, fake_langid):
    own = treebanks / "en_tweets-ud-train.conllu"
    own.write_text(_conllu("see #cat :) now") * 30)
    assert _train(treebanks, tmp_path / "out", "--own", "en_tweets", "--languages", "generic") == 0
    assert not (tmp_path / "out" / "en.linear.npz").exists()
    segmenter = Segmenter.load(tmp_path / "out", fake_langid).following(("en_tweets",))
    forms = [form for s in segmenter.segment("now see #cat :) now", "en") for form in s.forms]
    assert forms == ["now", "see", "#cat", ":)", "now"]


def test_a_treebank_without_training_file_is_an_error(treebanks, tmp_path, capsys):
    assert _train(treebanks, tmp_path / "out", "--own", "en_other") == 2
    assert "en_other: no training file; there are en_own" in capsys.readouterr().err


def test_directory_without_treebanks_is_an_error(tmp_path, capsys):
    assert _train(tmp_path, tmp_path / "out") == 2
    assert "no *-ud-train.conllu" in capsys.readouterr().err


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


def test_surface_tokens_keep_splits_and_spaces():
    blank = "\t_" * 7
    sentence = f"1-2\tau{blank}\t_\n1\tà{blank}\t_\n2\tle{blank}\t_\n"
    sentence += f"3\tlac{blank}\tSpaceAfter=No\n\n"
    assert surface_tokens(sentence) == [("au", ("à", "le"), True), ("lac", ("lac",), False)]


def test_split_models_learn_from_labelled_text(treebanks, tmp_path):
    blank = "\t_" * 8
    habait = f"1-2\thabait{blank}\n1\tha{blank}\n2\tbait{blank}\n3\tgadol{blank}\n\n"
    (treebanks / "he_own-ud-train.conllu").write_text(habait * 20)
    text = [[("hakelev", ("hakelev",)), ("gadol", ("gadol",))]] * 60
    with lzma.open(tmp_path / "he.splits.jsonl.xz", "wt") as sink:
        sink.writelines(map(labelled_line, text))
    flags = ["--languages", "he", "--labelled", str(tmp_path)]
    assert _train(treebanks, tmp_path / "out", *flags) == 0
    model = SplitModel.load(tmp_path / "out" / "he.splits.npz")
    assert model.split(["habait", "hakelev"]) == [("ha", "bait"), ("hakelev",)]
