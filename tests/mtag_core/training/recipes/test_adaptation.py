import pytest

torch = pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")

from mtag_core.training.data.pieces import SpecialPieces
from mtag_core.training.data.train_dev_split import read_split
from mtag_core.training.networks.model_files import Network, new_student
from mtag_core.training.options import AdaptOptions, StudentShape
from mtag_core.training.recipes.label_training import adapt, run
from tests.mtag_core.training.tiny_training import toy_tokenizer
from tests.mtag_core.training.toy_treebanks import ROWS, write_treebank

CPU = torch.device("cpu")


@pytest.fixture(params=["words", "minibert"])
def options(tmp_path, request):
    """A student, and a treebank of 32 sentences without a dev file."""
    torch.manual_seed(1)
    toy_tokenizer().save(str(tmp_path / "tokenizer.json"))
    pieces = SpecialPieces.load(tmp_path / "tokenizer.json")
    feats = sorted({feats for _, feats in ROWS.values()})
    student = new_student(
        StudentShape(architecture=request.param, hidden_size=16, n_layers=1),
        tuple(feats),
        ("l|0+|0+",) * (request.param == "words"),
        (),
        tokenizer=tmp_path / "tokenizer.json",
        n_pieces=pieces.n_pieces,
        pad=pieces.pad,
    )
    student.save(tmp_path / "student")
    (tmp_path / "treebanks").mkdir()
    write_treebank(tmp_path / "treebanks" / "en_own-ud-train.conllu")
    return AdaptOptions(
        student=tmp_path / "student",
        treebanks=tmp_path / "treebanks",
        output=tmp_path / "adapted",
    )


def test_small_treebank_changes_weights(options):
    """With the defaults: three passes, each of a step or a few."""
    _, _, n_steps = adapt(options)
    before, after = (
        Network.load(folder, device=CPU).model.state_dict()
        for folder in (options.student, options.output)
    )
    assert n_steps >= 3
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert {"upos.weight", "feats.weight"} <= changed
    assert any("layer" in name for name in changed)


def test_scores_before_and_after_are_told(options):
    message = run(options)
    steps, before, after = message.splitlines()
    assert steps.endswith(" steps")
    assert before.startswith("before: dev UPOS ")
    assert after.startswith("after: dev UPOS ")
    assert after.endswith(str(options.output))


def test_a_tenth_is_held_out_where_there_is_no_dev_file(options):
    split = read_split(options.treebanks, hold_out_tenth=True)
    assert (len(split.learnt), len(split.held_out)) == (29, 3)


def test_nothing_of_train_is_held_out_beside_a_dev_file(options):
    write_treebank(options.treebanks / "en_own-ud-dev.conllu", repeats=1)
    split = read_split(options.treebanks, hold_out_tenth=True)
    assert (len(split.learnt), len(split.held_out)) == (32, 4)
