import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtag_core.errors import BundleError
from mtag_core.segmentation import gap_network
from mtag_core.segmentation.boundaries import BoundaryModel
from mtag_core.segmentation.gap_network import GapNetwork, find_units
from tests.mtag_core.segmentation.random_network import KNOWN, random_network

_NETWORK = random_network()
_TEXTS = st.text(st.one_of(st.sampled_from(KNOWN + " 0犬"), st.characters()), max_size=60)


def _saved(tmp_path, network=_NETWORK, **changes):
    path = tmp_path / "ja.boundaries.npz"
    BoundaryModel(network, has_spaces=False).save(path)
    if changes:
        arrays = dict(np.load(path)) | changes
        np.savez_compressed(path, **{name: a for name, a in arrays.items() if a is not None})
    return path


def _spans(block):
    return block.starts.tolist(), block.ends.tolist()


@settings(deadline=None)
@given(text=_TEXTS, has_spaces=st.booleans())
def test_tokens_cover_all_units_in_order(text, has_spaces):
    model = BoundaryModel(_NETWORK, has_spaces=has_spaces)
    block = model.tokenize(text, [(0, len(text))])
    spans = list(zip(*_spans(block), strict=True))
    assert block.forms == [text[start:end] for start, end in spans]
    units = find_units(text, has_spaces=has_spaces)
    assert {start for start, _ in spans} <= set(units.starts)
    assert {end for _, end in spans} <= set(units.ends)
    assert has_spaces or not any(text[start:end].split()[1:] for start, end in spans)
    assert [start for start, _ in spans[1:]] == [
        units.starts[units.ends.index(end) + 1] for _, end in spans[:-1]
    ]


@pytest.mark.parametrize("piece", [1, 3, 16, 100])
def test_scores_do_not_depend_on_where_pieces_are_cut(monkeypatch, piece):
    units = find_units("猫がいる。abc いる犬" * 12, has_spaces=False)
    whole = _NETWORK.scores(units)
    monkeypatch.setattr(gap_network, "_PIECE_GAPS", piece)
    np.testing.assert_allclose(_NETWORK.scores(units), whole, rtol=1e-5, atol=1e-5)


def test_one_unit_has_no_gap():
    assert _NETWORK.scores(find_units("猫", has_spaces=False)).shape == (0, 2)


def test_text_without_units_has_no_sentence():
    block = BoundaryModel(_NETWORK, has_spaces=False).tokenize(" \n", [(0, 2)])
    assert (block.forms, block.sentence_ends) == ([], [])


def test_foreign_words_stay_whole_and_spaces_part_tokens():
    eager = BoundaryModel(random_network(bias=1e6), has_spaces=False)
    block = eager.tokenize("cat猫", [(0, 4)])
    assert (*_spans(block), block.sentence_ends) == ([0, 3], [3, 4], [1, 2])
    lazy = BoundaryModel(random_network(bias=-1e6), has_spaces=False)
    block = lazy.tokenize("猫が いる", [(0, 5)])
    assert (*_spans(block), block.sentence_ends) == ([0, 3], [2, 5], [2])
    lazy = BoundaryModel(random_network(bias=-1e6), has_spaces=True)
    block = lazy.tokenize("ba ca\nba", [(0, 5), (6, 8)])
    assert (block.forms, block.sentence_ends) == (["ba ca", "ba"], [1, 2])


def test_a_closing_mark_at_the_end_of_a_line_begins_no_sentence():
    eager = BoundaryModel(random_network(bias=1e6), has_spaces=False)
    block = eager.tokenize("「猫。」』\n犬", [(0, 5), (6, 7)])
    assert block.forms == [*"「猫。」』犬"]
    assert block.sentence_ends == [1, 2, 5, 6]


@settings(deadline=None)
@given(st.lists(_TEXTS.map(str.strip).filter(bool), min_size=1, max_size=5), st.booleans())
def test_lines_are_cut_together_as_each_alone(lines, has_spaces):
    model = BoundaryModel(_NETWORK, has_spaces=has_spaces)
    text = "\n".join(lines)
    starts = [sum(len(line) + 1 for line in lines[:number]) for number in range(len(lines))]
    spans = [(start, start + len(line)) for start, line in zip(starts, lines, strict=True)]
    together = model.tokenize(text, spans)
    alone = [model.tokenize(text, [span]) for span in spans]
    starts, ends = _spans(together)
    assert starts == [start for block in alone for start in block.starts]
    assert ends == [end for block in alone for end in block.ends]
    assert len(together.sentence_ends) == sum(len(block.sentence_ends) for block in alone)


def test_saved_model_gives_the_same_scores(tmp_path):
    with np.load(_saved(tmp_path)) as arrays:
        network = GapNetwork.from_arrays(arrays)
    units = find_units("猫がいる。abc いる犬", has_spaces=False)
    assert np.array_equal(network.scores(units), _NETWORK.scores(units))


@pytest.mark.parametrize(
    "changes",
    [
        {"units": None},
        {"units": np.zeros((5, 8), np.int8)},
        {"units": np.zeros(5, np.int8)},
        {"pairs": np.zeros((32, 2), np.int8)},
        {"n_pairs": np.array(0)},
        {"known": np.zeros(0, np.uint32)},
        {"layer1": np.zeros((24, 9), np.int8), "layer1_scale": np.zeros(9, np.float32)},
        {"layer1_scale": np.zeros(5, np.float32)},
        {"output_bias": None},
        {"has_spaces": None},
    ],
    ids=str,
)
def test_model_with_wrong_parts_is_an_error(tmp_path, changes):
    path = _saved(tmp_path, **changes)
    with pytest.raises(BundleError, match=r"ja\.boundaries\.npz: expected a boundary model"):
        BoundaryModel.load(path)


@pytest.mark.parametrize("n_bytes", [0, 10, 400, 1500])
def test_cut_off_model_is_an_error(tmp_path, n_bytes):
    path = _saved(tmp_path)
    path.write_bytes(path.read_bytes()[:n_bytes])
    with pytest.raises(BundleError, match=r"ja\.boundaries\.npz: expected a boundary model"):
        BoundaryModel.load(path)


def test_array_file_is_an_error(tmp_path):
    path = tmp_path / "ja.boundaries.npz"
    with path.open("wb") as stream:
        np.save(stream, np.zeros(3))
    with pytest.raises(BundleError, match="expected a boundary model"):
        BoundaryModel.load(path)
