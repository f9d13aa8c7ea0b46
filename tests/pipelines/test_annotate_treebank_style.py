"""annotate with styles: other tags, other parts, and nothing written where they are wrong."""

import json
from pathlib import Path

import pytest

from mtag_core.tagging.bundle import DEFAULT_BUNDLE
from pipelines.annotate import main
from pipelines.options import parse_options
from tests.pipelines.trees import annotate, tree

_LIKE_LFG = "Zerknęła w lustro. Chodźmy!"
_LIKE_SZ = (
    "Nowa firma trafi do pierwszej piątki europejskich ubezpieczycieli. "
    "Minister powiedział, że ustawa została przyjęta przez Sejm w 1995 roku."
)


@pytest.fixture
def bundle() -> str:
    return str(DEFAULT_BUNDLE)


@pytest.fixture
def text(tmp_path) -> str:
    path = tmp_path / "a.txt"
    path.write_text("Zerknęła w lustro i wyszła.\n\nMein Hund schläft im Haus.\n", "utf-8")
    return str(path)


def _annotate(bundle, text, output, *flags):
    arguments = ["--input", text, "--output", str(output), "--model", bundle, "--format=jsonl"]
    return main([*arguments, "--compression=none", *flags])


def _rows(output):
    lines = [
        line for p in (output / "parts").iterdir() for line in p.read_text("utf-8").split("\n")
    ]
    return {row["language"]: row for row in map(json.loads, filter(None, lines))}


def _scores(output):
    """By the name of a document's file, scores of FEATS of all its sentences."""
    scores = {}
    for path in sorted((output / "parts").iterdir()):
        for row in map(json.loads, path.read_text("utf-8").splitlines()):
            scores.setdefault(Path(row["doc_id"]).name, []).append(row["feats_scores"])
    return scores


def test_styles_give_other_parts_and_are_recorded(bundle, text, tmp_path):
    plain, told, again, default = (tmp_path / n for n in ("plain", "told", "again", "default"))
    assert _annotate(bundle, text, plain, "--treebank_style=mixed") == 0
    assert _annotate(bundle, text, told, "--treebank_style", "pl_sz", "fr_sequoia") == 0
    assert _annotate(bundle, text, again, "--treebank_style=fr_sequoia,pl_sz") == 0
    assert _annotate(bundle, text, default) == 0
    assert tree(told) == tree(again)
    shared = {path for path in tree(told).keys() & tree(plain).keys() if "/" in path}
    assert shared == set()
    assert _rows(told)["pl"]["upos_scores"] != _rows(plain)["pl"]["upos_scores"]
    assert _rows(told)["de"]["upos_scores"] == _rows(default)["de"]["upos_scores"]
    config = json.loads((told / "run.json").read_text())["config"]
    assert config["treebank_style"] == ["fr_sequoia", "pl_sz"]


@pytest.mark.parametrize("flags", [[], ["--piece_budget=256"], ["--direct_num_workers=2"]])
def test_a_mixed_document_has_one_style_however_long(bundle, tmp_path, flags):
    # Its blocks are of 256 sentences. Alone, the short document follows the other treebank.
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "long.txt").write_text(f"{_LIKE_SZ}\n" * 150 + f"{_LIKE_LFG}\n" * 150, "utf-8")
    (folder / "short.txt").write_text(f"{_LIKE_LFG}\n", "utf-8")
    outputs = [tmp_path / name for name in ("mixed", "pl_lfg", "pl_sz")]
    for output in outputs:
        common = ["--language=pl", f"--treebank_style={output.name}"]
        assert _annotate(bundle, str(folder), output, *common, *flags) == 0
    mixed, lfg, sz = map(_scores, outputs)
    assert len(mixed["long.txt"]) > 512
    assert mixed["long.txt"] == sz["long.txt"] != lfg["long.txt"]
    assert mixed["short.txt"] == lfg["short.txt"] != sz["short.txt"]


def test_worker_processes_follow_the_styles(bundle, text, tmp_path):
    flags = ["--treebank_style=pl_lfg"]
    assert _annotate(bundle, text, tmp_path / "one", *flags) == 0
    assert _annotate(bundle, text, tmp_path / "two", *flags, "--direct_num_workers=2") == 0
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            "pl_x",
            "'pl_x': no treebank of the model, expected one of af_afribooms",
        ),
        ("pl_lfg,pl_sz", "treebank styles 'pl_lfg' and 'pl_sz' are of one language"),
        (",", "--treebank_style is empty"),
    ],
)
@pytest.mark.parametrize("more", [[], ["--dry_run"], ["--streaming"]])
def test_wrong_styles_leave_nothing(bundle, text, tmp_path, capsys, names, message, more):
    output = tmp_path / "new" / "out"
    assert _annotate(bundle, text, output, f"--treebank_style={names}", *more) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_an_output_with_other_styles_is_refused(text, tmp_path, capsys):
    assert annotate(text, tmp_path / "out") == 0
    assert annotate(text, tmp_path / "out", "--treebank_style=pl_lfg") == 2
    assert "treebank_style: None, now ['pl_lfg']" in capsys.readouterr().err


def test_the_order_of_styles_does_not_matter():
    common = ["--input=a", "--output=b", "--treebank_style"]
    assert parse_options([*common, "pl_lfg", "fr_gsd"]).tagger.treebank_style == (
        "fr_gsd",
        "pl_lfg",
    )
    assert parse_options([*common, "pl_lfg,fr_gsd"]).tagger.treebank_style == ("fr_gsd", "pl_lfg")
