import lzma

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")

from mtag_core.__main__ import main
from mtag_core.segmentation.boundaries import BoundaryModel
from mtag_core.segmentation.gap_network import GapNetwork, InputTables, find_units, padded_codes
from mtag_core.training.segmenters import gap_networks
from mtag_core.training.segmenters.gap_networks import (
    N_LAYERS,
    GapModel,
    frequent_codes,
    read_stream,
)

_BLANK = "\t_" * 7 + "\tSpaceAfter=No\n"


def _model():
    units = find_units("猫が寝る。", has_spaces=False)
    tables = InputTables(np.sort(np.array(units.codes, np.uint32)), 4, 32)
    torch.manual_seed(1)
    return GapModel(tables).eval()


def _torch_scores(model, units):
    inputs = model.tables.inputs(*padded_codes(units, N_LAYERS))
    columns = (torch.from_numpy(c)[None] for c in (inputs.units, inputs.kinds, inputs.pairs))
    with torch.no_grad():
        return model(*columns)[0].numpy()


def test_numpy_scores_as_torch_does():
    model, units = _model(), find_units("猫が寝る。犬 も寝る。" * 9, has_spaces=False)
    arrays = {name: matrix.detach().numpy() for name, matrix in model.matrices.items()}
    arrays |= {f"{name}_bias": bias.detach().numpy() for name, bias in model.biases.items()}
    scores = GapNetwork(model.tables, arrays).scores(units)
    np.testing.assert_allclose(scores, _torch_scores(model, units), rtol=1e-4, atol=1e-4)


def test_training_sees_the_weights_that_are_saved():
    model, units = _model(), find_units("猫が寝る。犬 も寝る。" * 9, has_spaces=False)
    model.is_quantised = True
    scores = model.network().scores(units)
    np.testing.assert_allclose(scores, _torch_scores(model, units), rtol=1e-4, atol=1e-4)


def _stream(treebank, labelled):
    return read_stream(treebank, labelled, has_spaces=False)


def test_stream_knows_ends_and_asks_about_gaps_inside_texts():
    stream = _stream([("ab c", {2: 1.0, 4: 1.0})], [])
    assert (stream.kinds > 0).tolist() == [True] * 3 + [False] * N_LAYERS
    assert stream.targets[:3].T.tolist() == [[0, 1, 1], [0, 0, 1]]
    # The space parts tokens by itself; nothing is asked about the end of a text.
    assert stream.weights[:3].T.tolist() == [[8, 0, 0], [8, 8, 0]]
    assert not stream.targets[3:].any() and not stream.weights[3:].any()


def test_labelled_text_says_that_no_sentence_ends_inside_a_token():
    stream = _stream([], [("abc", {2: 0.7, 3: 1.0})])
    assert stream.weights[:, 1].tolist() == [1, *[0] * (N_LAYERS + 2)]
    assert stream.targets[0, 0] == pytest.approx(0.01)


def test_frequent_units_are_found():
    a, b, _ = find_units("abc", has_spaces=False).codes
    assert frequent_codes(_stream([("aaaaaabbbbbcccc", {})], [])).tolist() == sorted([a, b])


def test_the_most_frequent_units_have_rows_of_their_own(monkeypatch):
    monkeypatch.setattr(gap_networks, "_MOST_KNOWN", 1)
    a, _ = find_units("ab", has_spaces=False).codes
    assert frequent_codes(_stream([("aaaaaabbbbb", {})], [])).tolist() == [a]


def _trained(tmp_path, sentence, *flags):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "ja_own-ud-train.conllu").write_text(sentence * 300)
    command = ["train-segmenters", "--languages", "ja", "--gap_epochs", "10"]
    places = [f"--treebanks={tmp_path / 'own'}", f"--output={tmp_path / 'out'}"]
    assert main([*command, *places, *flags]) == 0
    return BoundaryModel.load(tmp_path / "out" / "ja.boundaries.npz")


def test_model_parts_words_without_spaces(tmp_path):
    sentence = f"1\t猫{_BLANK}2\tが{_BLANK}3\t寝る{_BLANK}4\t。{_BLANK}\n"
    model = _trained(tmp_path, sentence)
    block = model.tokenize("猫が寝る。" * 2, [(0, 10)])
    assert block.starts.tolist() == [0, 1, 2, 4, 5, 6, 7, 9]
    assert block.ends.tolist() == [1, 2, 4, 5, 6, 7, 9, 10]
    assert block.sentence_ends == [4, 8]


def test_model_learns_words_from_labelled_text(tmp_path):
    with lzma.open(tmp_path / "ja.segmented.txt.xz", "wt", encoding="utf-8") as sink:
        sink.write("犬\u241fが\u241f寝る\u241f。\u241f\n" * 900)
    model = _trained(tmp_path, f"1\t猫{_BLANK}2\t。{_BLANK}\n", f"--labelled={tmp_path}")
    assert model.tokenize("犬が寝る。", [(0, 5)]).ends.tolist() == [1, 2, 4, 5]
