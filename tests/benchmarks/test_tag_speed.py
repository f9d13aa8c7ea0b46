import json

import pytest

pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")
pytest.importorskip("transformers", reason="transformers is an extra: install mtag[train]")

from benchmarks import tag_speed


def test_sentences_are_of_one_length_and_taken_in_turn():
    sentences = tag_speed.cut_sentences(list("abcdefg"), 3)
    assert sentences == [["a", "b", "c"], ["d", "e", "f"]]
    taken = []
    tag_next = tag_speed.in_turn(sentences, lambda words: taken.append(words) or len(words))
    assert [tag_next() for _ in range(3)] == [3, 3, 3]
    assert taken == [*sentences, sentences[0]]


def test_speeds_of_a_gpu_are_written_with_its_name(tmp_path, monkeypatch, capsys):
    def systems(sentences, args, device):
        names = ("BERT-base, torch fp32", "MiniBERT, torch fp32")
        return {name: tag_speed.in_turn(sentences, len) for name in names}

    monkeypatch.setattr(tag_speed, "torch_systems", systems)
    (tmp_path / "text").write_text("a b c\n" * 100)
    arguments = ["--text", str(tmp_path / "text"), "--output", str(tmp_path / "out.json")]
    short = ["--device", "cpu", "--rounds", "1", "--seconds", "0.001"]
    assert tag_speed.on_gpu([*arguments, *short]) == 0
    record = json.loads((tmp_path / "out.json").read_text())
    assert record["device"] == "cpu"
    assert record["words_a_sentence"]["128"]["BERT-base, torch fp32"]["over_bert"] == 1.0
