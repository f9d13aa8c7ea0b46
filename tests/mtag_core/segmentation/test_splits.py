import numpy as np
import pytest

from mtag_core.errors import BundleError
from mtag_core.segmentation.split_features import (
    N_SCRIPT_COLUMNS,
    NOTHING,
    context_codes,
    context_rows,
    context_seeds,
    neighbour_codes,
    script_codes,
    script_rows,
)
from mtag_core.segmentation.splits import WHOLE, Candidates, Script, SplitModel

_N_ROWS = 1 << 12
_COUNTS = np.zeros(1 << 8, np.uint8)
_DES = Script("des", "", ("de",), "", "les", (), is_exact=True)
_HA = Script("ha", "", ("ha",), "", "", ())


def _codes(*forms):
    known = neighbour_codes(forms, _COUNTS)
    padded = np.array([NOTHING, NOTHING, *known, NOTHING, NOTHING], np.uint64)
    return context_codes(padded[np.arange(len(forms))[:, None] + np.arange(5)])


def _own_codes(form, *scripts):
    facts = np.array([script.facts for script in scripts], np.uint64)
    return script_codes([form], np.array([len(scripts)]), facts, _COUNTS)


def _around_rows(own, codes):
    return context_rows(context_seeds(own[:, 0]), codes, n_rows=_N_ROWS)


def _model(script, form, before=None, *, own_weight=None, neighbour_weight=9):
    """A model that takes a script, after one form alone where that is given."""
    weights = np.zeros(_N_ROWS, np.int8)
    own = _own_codes(form, script)
    own_weight = (-1 if before else 1) if own_weight is None else own_weight
    weights[script_rows(own, n_rows=_N_ROWS)[0, 0]] = own_weight
    if before:
        around = _around_rows(own, _codes(before, form)[1:])
        weights[around[0, 0]] = neighbour_weight
    return SplitModel([script], weights, _COUNTS)


def test_exact_script_fits_its_form_alone():
    candidates = Candidates([_DES])
    assert list(candidates.of("des")) == [WHOLE, _DES]
    assert list(candidates.of("dess")) == [WHOLE]
    assert _DES.apply("des") == ("de", "les")


def test_script_leaves_a_stem():
    script = Script("b", "o", ("b",), "", "_", ("hu",))
    candidates = Candidates([_HA, script])
    assert list(candidates.of("bbeito")) == [WHOLE, script]
    assert script.apply("bbeito") == ("b", "beit_", "hu")
    assert list(candidates.of("bo")) == [WHOLE]
    assert list(candidates.of("ha")) == [WHOLE]


def test_scripts_that_differ_have_codes_that_differ():
    assert Script("des", "", ("de",), "", "les", ()).code != _DES.code


def test_context_is_of_two_forms_on_either_side():
    codes = _codes("a", "b", "c", "d", "e", "f")
    changed = _codes("a", "b", "c", "d", "e", "g")
    is_same = (codes == changed).all(axis=1)
    assert is_same.tolist() == [True, True, True, False, False, False]


def test_context_knows_the_ends_of_a_sentence():
    first, middle, last = _codes("a", "a", "a")
    assert first[0] != middle[0] == last[0]
    assert last[1] != middle[1] == first[1]


def test_rows_of_forms_and_of_neighbours_do_not_meet():
    own = _own_codes("habait", WHOLE, _HA)
    rows = script_rows(own, n_rows=_N_ROWS)
    around = _around_rows(own, _codes("habait", "habait"))
    assert rows.shape == (2, N_SCRIPT_COLUMNS)
    assert 0 <= rows.min() <= rows.max() < _N_ROWS // 2
    assert _N_ROWS // 2 <= around.min() <= around.max() < _N_ROWS


def test_rows_are_the_same_on_every_machine():
    own = _own_codes("habait", _HA)
    around = _around_rows(own, _codes("habait"))
    assert script_rows(own, n_rows=_N_ROWS)[0, :3].tolist() == [151, 1276, 1254]
    assert around[0, :3].tolist() == [2576, 2727, 3394]


def test_neighbour_decides_how_a_form_is_split():
    model = _model(_DES, "des", before="parle")
    assert model.split(["parle", "des"]) == [("parle",), ("de", "les")]
    assert model.split(["mange", "des"]) == [("mange",), ("des",)]
    assert model.split(["des", "parle"]) == [("des",), ("parle",)]


@pytest.mark.parametrize(
    ("own_weight", "neighbour_weight", "is_split"),
    [(-79, 120, True), (-80, 120, False), (79, -120, False), (80, -120, True)],
)
def test_neighbours_do_not_outweigh_what_a_form_is_sure_of(own_weight, neighbour_weight, is_split):
    weights = {"own_weight": own_weight, "neighbour_weight": neighbour_weight}
    model = _model(_DES, "des", before="parle", **weights)
    tokens = ("de", "les") if is_split else ("des",)
    assert model.split(["parle", "des"]) == [("parle",), tokens]


def test_what_was_split_before_changes_nothing():
    model = _model(_DES, "des", before="parle")
    forms = ["parle", "des", "gens", "des", "parle", "des"]
    alone = model.split(forms)
    model.split(["mange", "des"])
    assert model.split(forms) == alone == _model(_DES, "des", before="parle").split(forms)


def test_sentence_without_tokens_has_no_splits():
    assert _model(_HA, "habait").split([]) == []


@pytest.mark.parametrize("form", ["ha" + "a" * 50, "12", "...", "\ud800"])
def test_what_is_no_word_stays_whole(form):
    assert _model(_HA, "habait").split([form]) == [(form,)]


def test_forms_are_split_by_their_own_sentence_alone():
    model = _model(_DES, "des", before="parle")
    forms = ["il", "parle", "des", "des", "gens"]
    assert model.expansions(forms, [5]) == {2: ("de", "les")}
    assert model.expansions(forms, [2, 5]) == {}


def test_loaded_model_splits_as_the_saved_one(tmp_path):
    model = _model(_DES, "des", before="parle")
    model.save(tmp_path / "fr.splits.npz")
    loaded = SplitModel.load(tmp_path / "fr.splits.npz")
    forms = ["parle", "des", "gens"]
    assert loaded.split(forms) == model.split(forms)


def _write(path, **changed):
    arrays = {
        "scripts": np.frombuffer(b"[]", np.uint8),
        "weights": np.zeros(4, np.int8),
        "counts": np.zeros(4, np.uint8),
    }
    with path.open("wb") as stream:
        np.savez_compressed(stream, **(arrays | changed))


@pytest.mark.parametrize(
    "changed",
    [
        {"scripts": np.frombuffer(b"{", np.uint8)},
        {"scripts": np.frombuffer(b"3", np.uint8)},
        {"scripts": np.frombuffer(b'[["b", "", ["b"], "", "", []]]', np.uint8)},
        {"weights": np.zeros(3, np.int8)},
        {"weights": np.zeros(4, np.float32)},
        {"weights": np.zeros((2, 2), np.int8)},
        {"counts": np.zeros(0, np.uint8)},
    ],
    ids=["no JSON", "no list", "older format", "odd size", "floats", "two axes", "empty"],
)
def test_file_of_another_format_is_an_error(tmp_path, changed):
    path = tmp_path / "he.splits.npz"
    _write(path)
    SplitModel.load(path)
    _write(path, **changed)
    with pytest.raises(BundleError, match=r"he\.splits\.npz: expected a split model"):
        SplitModel.load(path)


@pytest.mark.parametrize("content", [b"", b"no model", b"PK\x03\x04 cut"])
def test_damaged_file_is_an_error(tmp_path, content):
    path = tmp_path / "he.splits.npz"
    path.write_bytes(content)
    with pytest.raises(BundleError, match="expected a split model"):
        SplitModel.load(path)


def test_an_underscore_may_be_a_part_of_a_form():
    hebrew = Script("של", "", ("של_",), "_", "", ())
    assert hebrew.apply("שלהם") == ("של_", "_הם")
