from dataclasses import replace

import pytest

from mtag_core.errors import BundleError, LabelError
from mtag_core.labels import Labels, load_labels, save_labels

FEATS = ("_", "Number=Sing", "Number=Plur", "Case=Nom")


def test_json_keeps_inventories():
    labels = Labels(("NOUN", "VERB"), FEATS, ((0, 1, 2), (0, 3)), ("de_x", "en_y"))
    assert Labels.from_json(labels.to_json()) == labels
    styled = replace(labels, styles={"en": "en_y"})
    assert Labels.from_json(styled.to_json()) == styled


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ((("NOUN", "NOUN"), FEATS, ((0,), (0,))), "UPOS tag 'NOUN' stands twice"),
        ((("NOUN",), FEATS, ()), "0 lists of FEATS for 1 UPOS tags"),
        ((("NOUN",), FEATS, ((9,),)), "NOUN: FEATS ids [9]..., expected at least one, each from"),
        ((("NOUN",), FEATS, ((),)), "NOUN: FEATS ids []"),
        (
            (("NOUN",), FEATS, ((0,),), ("en_y",), (), (), {"en": "en_x"}),
            "style of en: 'en_x', expected a known treebank",
        ),
    ],
)
def test_inventories_that_do_not_fit_are_named(labels, message):
    with pytest.raises(LabelError) as error:
        Labels(*labels)
    assert message in str(error.value)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"upos": []}'])
def test_other_json_is_refused(text):
    with pytest.raises(LabelError, match="expected as JSON"):
        Labels.from_json(text)


def test_a_bundle_without_labels_or_weights_of_treebanks_is_refused(tmp_path):
    labels = Labels(("X",), ("_",), ((0,),))
    save_labels(labels, tmp_path)
    assert load_labels(tmp_path) == labels
    for name in ("treebanks.npz", "labels.json.xz"):
        (tmp_path / name).unlink()
        with pytest.raises(BundleError, match=rf"{name}: .*No such file"):
            load_labels(tmp_path)


def test_damaged_labels_are_named(tmp_path):
    (tmp_path / "labels.json.xz").write_bytes(b"no labels")
    with pytest.raises(BundleError, match=r"labels\.json\.xz"):
        load_labels(tmp_path)
