from collections import Counter

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")
pytest.importorskip("transformers", reason="transformers is an extra: install mtag[train]")

from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from mtag_core.segmentation.splits import Script
from mtag_core.training.data.treebanks import Surface
from mtag_core.training.segmenters.split_encoder import (
    N_NUMBERS,
    N_PARTS,
    ScriptTable,
    composed_scripts,
)

CPU = torch.device("cpu")
_HA = Script("ha", "", ("ha",), "", "", ())
_O = Script("", "o", (), "", "_", ("hu",))
_HABEIT = Surface("habeit", ("ha", "beit"), True)
_HA_O = Script("ha", "o", ("ha",), "", "_", ("hu",))


@pytest.fixture
def table(tmp_path):
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0, "beit": 1, "dod": 2}, unk_token="[UNK]"))
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    tokens = [_HABEIT] * 3 + [Surface("dodo", ("dod_", "hu"), True)] * 3
    return ScriptTable(tokens, np.zeros(4, np.uint8), tmp_path / "tokenizer.json", CPU)


def test_beginnings_are_joined_with_ends():
    assert set(composed_scripts(Counter({_HA: 3, _O: 3}))) == {_HA, _O, _HA_O}


def test_rare_parts_are_not_joined():
    assert set(composed_scripts(Counter({_HA: 3, _O: 2}))) == {_HA, _O}


def test_choices_tell_which_scripts_are_right(table):
    assert table.form("hadodo").tokens[0] == ("hadodo",)
    assert set(table.form("hadodo").tokens[1:]) == {
        ("ha", "dodo"),
        ("hadod_", "hu"),
        ("ha", "dod_", "hu"),
    }
    tokens = [Surface("hadodo", ("ha", "dodo"), True), Surface(".", (), True)]
    choices = table.answers(tokens)
    assert choices.is_script.tolist() == [[True] * 4, [True] + [False] * 3]
    assert choices.is_right.sum() == 1
    assert choices.parts.shape == (5, N_PARTS)
    assert choices.numbers.shape == (5, N_NUMBERS)


def test_stems_have_the_pieces_of_the_vocabulary(table):
    choices = table.answers([_HABEIT])
    pieces = choices.stem_pieces[choices.stem[choices.is_right[choices.is_script]]]
    assert pieces.tolist() == [[1, *[-1] * 7]]
