import json
from pathlib import Path

from benchmarks import same_tags

_SAMPLE = Path(__file__).resolve().parents[2] / "sample_data"


def test_tags_of_the_sample_do_not_depend_on_batches_order_or_workers(tmp_path, capsys):
    flags = ["--text", f"{_SAMPLE}/text/*.txt", f"{_SAMPLE}/mixed.txt", "--sentences=400"]
    assert same_tags.main([*flags, "--output", str(tmp_path / "r.json")]) == 0
    settings = json.loads((tmp_path / "r.json").read_text("utf-8"))["settings"]
    assert {counts["different_sentences"] for counts in settings.values()} == {0}
    first = settings["one worker, 2,048 pieces a batch"]
    assert first["languages"] >= 15 and first["tokens"] > 1500
    assert capsys.readouterr().out.count("0 different sentences") == len(settings)


def test_a_different_tag_is_counted():
    one = {("d", 0): {"upos": ["NOUN"]}, ("d", 1): {"upos": ["X"]}}
    other = {("d", 0): {"upos": ["VERB"]}, ("e", 0): {"upos": ["X"]}}
    assert same_tags._n_different(one, one) == 0
    assert same_tags._n_different(one, other) == 3
