import lzma

import pytest

pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")
pytest.importorskip("transformers", reason="transformers is an extra: install mtag[train]")

import torch

from mtag_core.__main__ import main
from mtag_core.training.segmenters.treebanks import read_splits
from tests.mtag_core.training.tiny_training import write_everything

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

_BLANK = "\t_" * 8
_SENTENCES = (
    f"1-2\tthecat{_BLANK}\n1\tthe{_BLANK}\n2\tcat{_BLANK}\n3\tsleeps{_BLANK}\n",
    f"1-2\tthedogs{_BLANK}\n1\tthe{_BLANK}\n2\tdogs{_BLANK}\n3\tsleep{_BLANK}\n",
    f"1-2\tthedog{_BLANK}\n1\tthe{_BLANK}\n2\tdog{_BLANK}\n3\tsleeps{_BLANK}\n",
)
_TEXT = "thecats sleep\nthedog sleeps\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("splits")
    write_everything(folder)
    (folder / "text").mkdir()
    for part in ("train", "dev"):
        (folder / "treebanks" / f"he_toy-ud-{part}.conllu").write_text("\n".join(_SENTENCES * 8))
    (folder / "text" / "he.txt").write_text(_TEXT)
    return folder


def _label(folder, output, *flags):
    places = {"encoder": "encoder", "treebanks": "treebanks", "text": "text", "output": output}
    command = ["label-splits", *(f"--{name}={folder / place}" for name, place in places.items())]
    return main([*command, "--epochs=20", "--peak_rates=1e-2", "--piece_budget=128", *flags])


def test_text_is_split_as_the_treebank_is(folder):
    assert _label(folder, "out") == 0
    tokens = [(form, parts) for s in read_splits(folder / "out", "he") for form, parts, _ in s]
    assert tokens == [
        ("thecats", ("the", "cats")),
        ("sleep", ("sleep",)),
        ("thedog", ("the", "dog")),
        ("sleeps", ("sleeps",)),
    ]


def test_labelling_repeats_exactly(folder):
    for output in ("one", "two"):
        assert _label(folder, output, "--epochs=1") == 0
    one, two = (folder / name / "he.splits.jsonl.xz" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_unsure_tokens_stay_unlabelled(folder):
    assert _label(folder, "unsure", "--epochs=1", "--least_probability=1.1") == 0
    sentences = list(read_splits(folder / "unsure", "he"))
    assert [form for s in sentences for form, _, _ in s] == _TEXT.split()
    assert all(parts == () for s in sentences for _, parts, _ in s)


def test_language_without_text_is_an_error(folder, capsys):
    assert _label(folder, "out", "--languages", "ar") == 2
    assert "no text of ar" in capsys.readouterr().err


def test_language_without_treebank_is_an_error(folder, capsys):
    with lzma.open(folder / "text" / "fr.txt.xz", "wt") as sink:
        sink.write("du pain\n")
    assert _label(folder, "out", "--languages", "fr") == 2
    assert "no train file of fr" in capsys.readouterr().err
