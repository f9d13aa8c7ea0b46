import json
import random

import pytest

from mtag_core.__main__ import main
from mtag_core.langid import LanguageIdentifier, open_model

# Two made-up languages that share no word.
_WORDS = {
    "aa": ["kano", "milu", "tarok", "senif", "pulo", "garim", "voda", "hesak"],
    "bb": ["xythe", "quorr", "wyzzel", "jaxxem", "thyqua", "zwerry", "kwyth", "xorry"],
}
_FLAGS = "--min_count 5 --n_buckets 2000 --n_kept 1500 --n_epochs 8 --held_back_every 10".split()


@pytest.fixture
def text_dir(tmp_path):
    rng = random.Random(0)
    directory = tmp_path / "text"
    directory.mkdir()
    for code, words in _WORDS.items():
        lines = [" ".join(rng.choices(words, k=8)) for _ in range(400)]
        (directory / f"{code}.txt").write_text("\n".join(lines))
    return directory


def _train(text_dir, output, *flags):
    command = ["train-langid", "--text", str(text_dir), "--output", str(output)]
    return main([*command, *_FLAGS, *flags])


def test_trained_model_names_the_languages(text_dir, tmp_path, capsys):
    assert _train(text_dir, tmp_path / "out") == 0
    assert "accuracy 1.0000" in capsys.readouterr().out
    langid = LanguageIdentifier(open_model(tmp_path / "out" / "langid.ftz"))
    assert langid.languages == ("aa", "bb")
    assert [code for code, _ in langid.predict(["voda pulo", "xorry kwyth"])] == ["aa", "bb"]
    assert langid.predict(["12", ""]) == [("und", 0.0), ("und", 0.0)]


def test_held_back_sentences_are_not_trained_on(text_dir, tmp_path):
    _train(text_dir, tmp_path / "out")
    held_back = (tmp_path / "out" / "held-back.tsv").read_text().splitlines()
    trained = set((tmp_path / "out" / "train.txt").read_text().splitlines())
    assert len(held_back) > 20
    assert not {"__label__" + line.replace("\t", " ") for line in held_back} & trained


def test_finished_run_is_not_trained_again(text_dir, tmp_path):
    _train(text_dir, tmp_path / "out")
    model = tmp_path / "out" / "langid.ftz"
    before = model.stat().st_mtime_ns
    _train(text_dir, tmp_path / "out")
    assert model.stat().st_mtime_ns == before


def test_other_options_do_not_resume_a_run(text_dir, tmp_path, capsys):
    _train(text_dir, tmp_path / "out")
    assert _train(text_dir, tmp_path / "out", "--seed", "7") == 1
    assert "seed is 1 there and 7 now" in capsys.readouterr().err


def test_config_is_recorded(text_dir, tmp_path):
    _train(text_dir, tmp_path / "out")
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["n_kept"] == 1500 and config["text"] == str(text_dir)


def test_directory_without_text_is_an_error(tmp_path, capsys):
    assert _train(tmp_path, tmp_path / "out") == 2
    assert "expected one a language" in capsys.readouterr().err
