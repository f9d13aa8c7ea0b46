"""The whole chain on toy data: vocabulary, teacher, encoded text, distillation, fine-tuning."""

import json

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")
pytest.importorskip("transformers", reason="transformers is an extra: install mtag[train]")

from mtag_core.__main__ import main
from mtag_core.training.graphs.conventions import Conventions
from mtag_core.training.graphs.trained_model import read_trained_model
from mtag_core.training.networks.model_files import load_feats, load_metadata
from mtag_core.training.networks.treebank_tokens import treebank_token_ids
from mtag_core.training.recipes.teacher_ensemble import TeacherEnsemble
from tests.mtag_core.training.tiny_training import write_everything, write_shard
from tests.mtag_core.training.toy_treebanks import SENTENCES, write_treebank

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
QUICK = ["--piece_budget", "128", "--n_evaluations", "1"]


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    import torch

    # Several threads wait for each other where other processes hold the cores.
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("chain")
    write_everything(folder)
    treebanks = ["--treebanks", str(folder / "treebanks")]
    teacher = ["--encoder", str(folder / "encoder"), "--output", str(folder / "teacher")]
    rate = ["--peak_rate", "1e-2"]
    assert main(["train-teacher", *teacher, *treebanks, *QUICK, *rate, "--epochs", "8"]) == 0
    tokenizers = ["--student_tokenizer", str(folder / "student.json")]
    tokenizers += ["--teacher_tokenizer", str(folder / "encoder" / "tokenizer.json")]
    text = ["--text", str(folder / "text"), "--output", str(folder / "encoded")]
    assert main(["encode-text", *text, *tokenizers]) == 0
    assert main(["distill", *distill_flags(folder)]) == 0
    return folder


def distill_flags(folder, *, output="student", epochs="8"):
    return [
        *("--teachers", str(folder / "teacher"), "--text", str(folder / "encoded")),
        *("--treebanks", str(folder / "treebanks"), "--tokenizer", str(folder / "student.json")),
        *("--output", str(folder / output), "--hidden_size", "16", "--n_layers", "1"),
        *("--epochs", epochs, "--top_k", "3", "--peak_rate", "1e-2", *QUICK),
    ]


def last_scores(folder):
    lines = (folder / "curves.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines if "dev_upos" in line][-1]


def test_the_student_learns_what_the_teacher_knows(chain):
    assert last_scores(chain / "teacher")["dev_upos"] > 90
    assert last_scores(chain / "student")["dev_upos"] > 90
    assert last_scores(chain / "student")["dev_feats"] > 80


def test_the_teacher_records_treebanks_and_conventions(chain):
    card = load_metadata(chain / "teacher")
    assert card.treebanks == ("en_play", "en_toy")
    assert card.conventions["en"] in card.treebanks


def test_teacher_and_student_share_the_label_order(chain):
    feats = [load_feats(chain / model / "feats.json") for model in ("teacher", "student")]
    assert feats[0] == feats[1]
    assert feats[0][0] == "_"


def test_fine_tuning_goes_on_from_the_student(chain, capsys):
    flags = distill_flags(chain, output="tuned", epochs="1")
    at = flags.index("--hidden_size")
    flags = flags[:at] + flags[at + 4 :] + ["--student", str(chain / "student")]
    assert main(["finetune", *flags, "--text_rate", "1"]) == 0
    assert "dev UPOS" in capsys.readouterr().out
    assert last_scores(chain / "tuned")["dev_upos"] > 90


@pytest.mark.parametrize(
    "flags",
    [
        ["--share_feats"],
        ["--substitution_share", "0.3", "--piece_dropout", "0.05"],
    ],
)
def test_variants_end_as_plain_students(chain, tmp_path, flags):
    output = tmp_path / "variant"
    assert main(["distill", *distill_flags(chain, output=output), *flags]) == 0
    assert last_scores(output)["dev_upos"] > 90
    assert read_trained_model(output).weights.keys() == plain_names(chain)


@pytest.mark.parametrize(("flags", "is_known"), [([], True), (["--infer_text_treebank"], False)])
def test_teachers_take_the_treebank_of_text_from_its_language_unless_asked(
    chain, tmp_path, monkeypatch, flags, is_known
):
    shown = []

    def spy(*args, **kwargs):
        shown.append(treebank_token_ids(*args, **kwargs))
        return shown[-1]

    monkeypatch.setattr("mtag_core.training.recipes.teacher_ensemble.treebank_token_ids", spy)
    short = distill_flags(chain, output=tmp_path / "student", epochs="1")
    assert main(["distill", *short, *flags]) == 0
    # Treebank sentences come first: theirs is known in any case.
    of_treebanks, of_text = shown[0][: -len(SENTENCES)] > 0, shown[0][-len(SENTENCES) :] > 0
    assert of_treebanks.all() and of_text.all() == is_known and of_text.any() == is_known


def test_copies_with_substituted_words_are_annotated(chain, tmp_path, monkeypatch):
    annotated = []
    annotate = TeacherEnsemble.annotate

    def spy(self, packed, names, name_ids):
        annotated.append(packed)
        return annotate(self, packed, names, name_ids)

    monkeypatch.setattr(TeacherEnsemble, "annotate", spy)
    flags = distill_flags(chain, output=tmp_path / "student", epochs="1")
    assert main(["distill", *flags, "--substitution_share", "0.5"]) == 0
    corpus, copies = annotated
    assert corpus.n_tokens.tolist() == copies.n_tokens.tolist()
    assert not np.array_equal(corpus.piece_ids, copies.piece_ids)


def plain_names(chain):
    return read_trained_model(chain / "student").weights.keys()


def shard_flags(chain, output):
    return [
        *("--logits", str(chain / "shards"), "--feats", str(chain / "teacher" / "feats.json")),
        *("--treebanks", str(chain / "treebanks"), "--tokenizer", str(chain / "student.json")),
        *("--output", str(output), "--hidden_size", "16", "--n_layers", "1"),
        *("--epochs", "60", "--peak_rate", "1e-2", "--feats_temperature", "1", *QUICK),
    ]


def test_the_student_learns_from_shards(chain, tmp_path):
    write_shard(chain / "shards" / "part.parquet", load_feats(chain / "teacher" / "feats.json"))
    assert main(["distill", *shard_flags(chain, tmp_path / "student")]) == 0
    assert last_scores(tmp_path / "student")["dev_upos"] > 90
    assert last_scores(tmp_path / "student")["dev_feats"] > 80


def test_shards_of_another_teacher_are_refused(chain, tmp_path, capsys):
    write_shard(chain / "shards" / "part.parquet", load_feats(chain / "teacher" / "feats.json"))
    flags = shard_flags(chain, tmp_path / "student")
    assert main(["distill", *flags, "--teacher_digest", "abc"]) == 1
    assert "teacher digest toy, expected abc" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "needs --logits and --feats, or --teachers and --text"),
        (["--logits", "d"], "--logits needs --feats"),
        (["--logits", "d", "--text", "t"], "leave those out"),
    ],
)
def test_distillation_asks_for_one_source(tmp_path, capsys, flags, message):
    needed = ["--treebanks", "t", "--tokenizer", "k", "--output", str(tmp_path)]
    assert main(["distill", *needed, *flags]) == 2
    assert message in capsys.readouterr().err


@pytest.fixture
def contradictory(tmp_path):
    """Two treebanks of the same sentences; what one calls a noun is a proper noun in the other."""
    folder = tmp_path / "treebanks"
    folder.mkdir()
    for name in ("en_toy", "en_other"):
        for part in ("train", "dev"):
            write_treebank(folder / f"{name}-ud-{part}.conllu", repeats=10)
    for path in folder.glob("en_other-*"):
        path.write_text(path.read_text().replace("NOUN", "PROPN"))
    return folder


def adapt_flags(chain, treebanks, output):
    flags = ["--student", str(chain / "student"), "--treebanks", str(treebanks), *QUICK]
    return [*flags, "--peak_rate", "1e-2", "--epochs", "20", "--output", str(output)]


def test_adapting_learns_from_dev_sentences_when_asked(chain, contradictory, tmp_path, capsys):
    flags = adapt_flags(chain, contradictory, tmp_path / "adapted")
    assert main(["adapt", *flags, "--train_on_dev"]) == 0
    assert "dev UPOS" in capsys.readouterr().out
    assert load_metadata(tmp_path / "adapted").is_trained_on_dev
    # Nothing in a sentence tells whose it is, so half of the nouns stay wrong.
    assert 70 < last_scores(tmp_path / "adapted")["dev_upos"] < 95


def test_conventions_tell_treebanks_apart(chain, contradictory, tmp_path, capsys):
    model = tmp_path / "adapted"
    assert main(["adapt", *adapt_flags(chain, contradictory, model)]) == 0
    weights = (model / "model.safetensors").read_bytes()
    flags = ["--model", str(model), "--treebanks", str(contradictory), "--epochs", "200"]
    capsys.readouterr()
    assert main(["learn-conventions", *flags]) == 0
    plain, with_treebank = (
        float(line.split("UPOS")[1].split()[0]) for line in capsys.readouterr().out.splitlines()
    )
    assert plain < 95
    assert with_treebank > 98
    conventions = Conventions.load(model)
    assert conventions.treebanks == ("en_other", "en_toy")
    assert (model / "model.safetensors").read_bytes() == weights


def test_a_run_is_not_overwritten(chain, capsys):
    assert main(["distill", *distill_flags(chain)]) == 1
    assert "holds a run already; pass --resume" in capsys.readouterr().err


def test_resuming_with_other_options_is_an_error(chain, capsys):
    assert main(["distill", *distill_flags(chain), "--seed", "9", "--resume"]) == 1
    assert "seed is 1 there and 9 now" in capsys.readouterr().err


def test_resuming_goes_on_for_longer(chain):
    steps = last_scores(chain / "student")["step"]
    assert main(["distill", *distill_flags(chain, epochs="9"), "--resume"]) == 0
    assert last_scores(chain / "student")["step"] > steps


def test_missing_text_is_named(chain, capsys):
    flags = distill_flags(chain, output="none")
    flags[flags.index("--text") + 1] = str(chain / "absent")
    assert main(["distill", *flags]) == 2
    assert "make it with the encode-text command" in capsys.readouterr().err


def test_vocabulary_is_written(chain, capsys):
    output = chain / "vocabulary" / "tokenizer.json"
    flags = ["--text", str(chain / "text"), "--treebanks", str(chain / "treebanks")]
    assert main(["train-vocabulary", *flags, "--n_pieces", "40", "--output", str(output)]) == 0
    n_pieces = len(json.loads(output.read_text())["model"]["vocab"])
    assert 30 < n_pieces <= 40
    assert f"{n_pieces} wordpieces  {output}" in capsys.readouterr().out


def test_vocabulary_needs_a_source(tmp_path, capsys):
    assert main(["train-vocabulary", "--output", str(tmp_path / "t.json")]) == 2
    assert "needs --text or --treebanks" in capsys.readouterr().err
