import pytest

torch = pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")
pytest.importorskip("transformers", reason="transformers is an extra: install mtag[train]")

from mtag_core.__main__ import main
from mtag_core.storage import create_text
from mtag_core.training.networks.model import Batch
from mtag_core.training.networks.trained_model import EncoderConfig
from mtag_core.training.segmenters import encoder_labels
from mtag_core.training.segmenters.encoder_labels import BoundaryTeacher, read_units
from mtag_core.training.segmenters.layers import span_f1
from mtag_core.training.segmenters.treebanks import read_marked
from tests.mtag_core.training.tiny_teacher import write_model

_SENTENCES = (("ab", "c", "de"), ("fg", "ab", "h"), ("c", "de", "c"))
_TEXT = ("abcde", "fgabh", "abhc")


def _words_of_two(text):
    return [(text[i : i + 2], text[i + 1 : i + 2].upper() or "-") for i in range(0, len(text), 2)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A treebank, text, a teacher, and a dictionary in which all words have two letters."""
    monkeypatch.setitem(encoder_labels.ANALYSERS, "zh", lambda: _words_of_two)
    write_model(tmp_path / "teacher")
    (tmp_path / "ud").mkdir()
    for part in ("train", "dev"):
        rows = (
            "".join(
                f"{number}\t{form}" + "\t_" * 7 + "\tSpaceAfter=No\n"
                for number, form in enumerate(forms, start=1)
            )
            for forms in _SENTENCES * 4
        )
        (tmp_path / "ud" / f"zh_own-ud-{part}.conllu").write_text("\n".join(rows) + "\n")
    (tmp_path / "text").mkdir()
    for name in ("zh.txt", "zh_hant.txt.xz", "en.txt.xz"):
        with create_text(tmp_path / "text" / name) as sink:
            sink.write("\n".join(_TEXT) + "\n\n")
    return tmp_path


def _label(folder, output, *flags):
    command = ["label-boundaries", "--languages", "zh", "--epochs", "2", "--peak_rates", "1e-3"]
    places = [
        f"--{name}={folder / place}"
        for name, place in (("teacher", "teacher"), ("treebanks", "ud"))
    ]
    return main([*command, *places, f"--output={folder / output}", *flags])


def test_text_of_the_languages_is_labelled(folder):
    assert _label(folder, "out", f"--text={folder / 'text'}", "--max_pieces=16") == 0
    files = sorted(path.name for path in (folder / "out").glob("*.xz"))
    assert files == ["zh.segmented.txt.xz", "zh_hant.segmented.txt.xz"]
    texts = [text for text, _ in read_marked(folder / "out", "zh")]
    assert "".join(texts) == "".join(_TEXT * 2)


def test_labelling_repeats_exactly(folder):
    for output in ("one", "two"):
        assert _label(folder, output, f"--text={folder / 'text'}", "--max_pieces=16") == 0
    one, two = (folder / name / "zh.segmented.txt.xz" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_units_have_labels_and_what_a_dictionary_says(folder):
    text, *_ = read_units(folder / "ud" / "zh_own-ud-dev.conllu")
    assert text == ([*"abcde"], [*"-B-D-"], [0, 1, 1, 0, 2])
    text, *_ = read_units(folder / "text" / "zh.txt")
    assert (text.tags, text.labels) == ([*"-B-D-"], [0] * 5)


def test_units_of_other_languages_have_no_tags(folder):
    (folder / "vi.txt").write_text("b a")
    assert list(read_units(folder / "vi.txt")) == [(["b", " a"], ["", ""], [0, 0])]


class _Echo(torch.nn.Module):
    config = EncoderConfig(9, hidden_size=4, num_hidden_layers=1, num_attention_heads=1)

    def forward(self, piece_ids, is_piece, added):
        return added


def test_tags_are_read_beside_the_pieces_of_their_units():
    teacher = BoundaryTeacher(_Echo(), n_tags=3).eval()
    one, two = torch.eye(4)[:2]
    teacher.tags.weight.data[1:] = torch.stack([one, two])
    # Units of two pieces and of one, behind the piece that opens the sentence.
    first, last = torch.tensor([1, 3]), torch.tensor([2, 3])
    ids = torch.ones(1, 5, dtype=torch.long)
    batch = Batch(ids, ids > 0, first, last, torch.tensor([0, 1]))
    logits = teacher(batch, torch.tensor([2, 1]))
    expected = teacher.head(torch.stack([torch.cat([two, two]), torch.cat([one, one])]))
    torch.testing.assert_close(logits.float(), expected, rtol=0.02, atol=0.02)


def test_tags_say_nothing_before_they_are_learnt():
    assert not BoundaryTeacher(_Echo(), n_tags=3).tags.weight.any()


def test_languages_without_text_are_an_error(folder, capsys):
    for path in (folder / "text").glob("zh*"):
        path.unlink()
    assert _label(folder, "out", f"--text={folder / 'text'}") == 2
    assert "no text of zh" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("guessed", "gold", "expected"),
    [
        ([1, 2], [0, 1, 2], 40.0),
        ([0, 1, 2], [0, 1, 2], 100.0),
        # The span up to 4 begins at 0 in one and before it in the other.
        ([0, 4], [4], 0.0),
        ([], [3], 0.0),
        ([], [], 0.0),
    ],
)
def test_span_f1_counts_spans_with_both_ends_right(guessed, gold, expected):
    assert span_f1(guessed, gold) == pytest.approx(expected)
