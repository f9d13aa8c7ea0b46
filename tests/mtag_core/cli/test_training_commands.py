"""The chain of commands on toy data: corpus, text, teacher, labels, students, shards of logits."""

import json

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")
pytest.importorskip("transformers", reason="transformers is an extra: install mtag[train]")

from benchmarks import agreement
from mtag_core.__main__ import main
from mtag_core.training.data.corpus import TreebankCorpus
from mtag_core.training.networks.trained_model import ModelMetadata, read_trained_model
from mtag_core.training.recipes.labelling import load_shard
from tests.mtag_core.training.tiny_training import write_everything, write_raw_text, write_shard
from tests.mtag_core.training.toy_treebanks import LEMMAS, write_treebank

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
QUICK = ["--n_evaluations", "1", "--peak_rate", "1e-2"]
SMALL = ["--hidden_size", "16", "--n_layers", "1", "--dropout", "0", "--budget", "128"]


def read_json(path):
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    import torch

    # Several threads wait for each other where other processes hold the cores.
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("chain")
    write_everything(folder)
    for path in (folder / "treebanks").iterdir():
        write_treebank(path, repeats=8 if "train" in path.name else 1, lemmas=LEMMAS)
    write_raw_text(folder)
    corpus = ["--treebanks", str(folder / "treebanks"), "--output", str(folder / "corpus")]
    assert main(["train", "corpus", *corpus]) == 0
    teacher = ["--encoder", str(folder / "encoder"), "--corpus", str(folder / "corpus")]
    teacher += ["--output", str(folder / "teacher"), "--piece_budget", "128", "--epochs", "8"]
    assert main(["train", "teacher", *teacher, *QUICK]) == 0
    text = ["--corpus", str(folder / "corpus"), "--text", str(folder / "raw")]
    text += ["--encoder", str(folder / "encoder"), "--output", str(folder / "text")]
    text += ["--segmenters", str(folder / "segmenters"), "--n_pieces", "60"]
    assert main(["train", "text", *text, "--architecture", "minibert"]) == 0
    labels = ["--teachers", str(folder / "teacher"), "--text", str(folder / "text")]
    assert main(["train", "labels", *labels, "--output", str(folder / "labels")]) == 0
    assert main(["train", "distill", *distill_flags(folder)]) == 0
    write_shard(
        folder / "shards" / "part.parquet",
        read_json(folder / "teacher" / "feats.json"),
    )
    return folder


def distill_flags(folder, *, output="student", epochs="8"):
    return [
        *("--corpus", str(folder / "corpus"), "--labelled", str(folder / "labels")),
        *("--text", str(folder / "text"), "--output", str(folder / output)),
        *("--architecture", "minibert", "--epochs", epochs, *SMALL, *QUICK),
    ]


def last_scores(folder):
    lines = (folder / "curves.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines if "dev_upos" in line][-1]


def test_the_student_learns_what_the_teacher_knows(chain):
    assert last_scores(chain / "teacher")["dev_upos"] > 90
    assert last_scores(chain / "student")["dev_upos"] > 90
    assert last_scores(chain / "student")["dev_feats"] > 80


def test_agreement_with_the_teacher_is_measured(chain, tmp_path):
    flags = ["--teacher", str(chain / "teacher"), "--students", str(chain / "student")]
    flags += ["--corpus", str(chain / "corpus"), "--device", "cpu"]
    assert agreement.main([*flags, "--output", str(tmp_path / "agreement.json")]) == 0
    record = read_json(tmp_path / "agreement.json")
    assert record["teacher_to_gold"]["upos"] > 90
    assert record["students"]["student"]["teacher"]["upos"] > 90


def test_the_teacher_records_treebanks_and_conventions(chain):
    card = ModelMetadata.of(read_json(chain / "teacher" / "config.json"))
    assert card.treebanks == ("en_play", "en_toy")
    assert card.conventions["en"] in card.treebanks
    assert sorted(card.treebank_pieces) == ["en_play", "en_toy"]


def test_teacher_and_student_share_the_label_order(chain):
    feats = [read_json(chain / model / "feats.json") for model in ("teacher", "student")]
    assert feats[0] == feats[1]
    assert feats[0][0] == "_"


def test_fine_tuning_goes_on_from_the_student(chain, capsys):
    flags = distill_flags(chain, output="tuned", epochs="1")
    assert main(["train", "finetune", *flags, "--student", str(chain / "student")]) == 0
    assert "dev UPOS" in capsys.readouterr().out
    assert last_scores(chain / "tuned")["dev_upos"] > 90


def test_student_ends_with_a_plain_head(chain):
    weights = read_trained_model(chain / "student").weights
    assert {name for name in weights if name.startswith("feats")} == {"feats.weight", "feats.bias"}


def test_copies_with_substituted_words_are_labelled(chain):
    shard = load_shard(chain / "labels" / "shard-0")
    whole = len(shard.words) // 2
    first, copies = (
        shard.words.select(np.arange(*bounds)) for bounds in ((0, whole), (whole, 2 * whole))
    )
    assert first.n_tokens.tolist() == copies.n_tokens.tolist()
    assert not np.array_equal(first.form_ids, copies.form_ids)
    assert (shard.origins[whole:] == -1).all()


def distil_shards(chain, architecture, output):
    flags = ["--logits", str(chain / "shards"), "--corpus", str(chain / "corpus")]
    flags += ["--architecture", architecture, "--output", str(output)]
    flags += ["--n_pieces", "60", "--epochs", "8", "--upos_temperature", "1"]
    flags += ["--feats_temperature", "1", *SMALL, *QUICK]
    assert main(["train", "distill", *flags]) == 0
    return output


@pytest.fixture(scope="module")
def words(chain, tmp_path_factory):
    return distil_shards(chain, "words", tmp_path_factory.mktemp("words") / "student")


def test_a_student_of_words_learns_from_shards_of_logits(words):
    scores = last_scores(words)
    assert scores["dev_upos"] > 90
    assert scores["dev_feats"] > 80
    # Lemmas are in no shard: treebanks teach them.
    assert scores["dev_lemmas"] > 90


def test_a_minibert_learns_from_shards_of_logits(chain, tmp_path):
    scores = last_scores(distil_shards(chain, "minibert", tmp_path / "student"))
    assert scores["dev_upos"] > 90
    assert scores["dev_feats"] > 80


def test_shards_of_other_labels_are_refused(chain, tmp_path, capsys):
    feats = read_json(chain / "teacher" / "feats.json")
    write_shard(tmp_path / "shards" / "part.parquet", [*feats, "Other=Yes"])
    flags = ["--logits", str(tmp_path / "shards"), "--corpus", str(chain / "corpus")]
    assert main(["train", "distill", *flags, "--output", str(tmp_path / "student"), *SMALL]) == 1
    assert "part.parquet: labels " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "either --labelled, with --text, or --logits"),
        (["--logits", "d", "--labelled", "t"], "either --labelled, with --text, or --logits"),
        (["--labelled", "d"], "--labelled needs --text"),
    ],
)
def test_distillation_asks_for_one_source(tmp_path, capsys, flags, message):
    needed = ["--corpus", "t", "--output", str(tmp_path)]
    assert main(["train", "distill", *needed, *flags]) == 2
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


def adapt_flags(student, treebanks, output):
    flags = ["--student", str(student), "--treebanks", str(treebanks), *QUICK]
    return [*flags, "--budget", "128", "--epochs", "8", "--output", str(output)]


def test_adapting_learns_from_dev_sentences_when_asked(chain, contradictory, tmp_path, capsys):
    flags = adapt_flags(chain / "student", contradictory, tmp_path / "adapted")
    assert main(["train", "adapt", *flags, "--train_on_dev"]) == 0
    assert "dev UPOS" in capsys.readouterr().out
    assert ModelMetadata.of(read_json(tmp_path / "adapted" / "config.json")).is_trained_on_dev
    # Nothing in a sentence tells whose it is, so half of the nouns stay wrong.
    assert 70 < last_scores(tmp_path / "adapted")["dev_upos"] < 95


def test_adapters_set_treebanks_apart(words, contradictory, tmp_path, capsys):
    model, fitted = tmp_path / "adapted", tmp_path / "fitted"
    assert main(["train", "adapt", *adapt_flags(words, contradictory, model)]) == 0
    flags = ["--model", str(model), "--treebanks", str(contradictory), "--epochs", "300"]
    capsys.readouterr()
    assert main(["train", "adapters", *flags, "--output", str(fitted)]) == 0
    mixed, _, named = (
        float(line.split("UPOS")[1].split()[0]) for line in capsys.readouterr().out.splitlines()
    )
    assert mixed < 95
    assert named > 98
    before, after = (read_trained_model(directory) for directory in (model, fitted))
    assert after.config["treebanks"] == ["en_play", "en_toy", "en_other"]
    np.testing.assert_array_equal(after.weights["upos.weight"], before.weights["upos.weight"])


def test_a_run_is_not_overwritten(chain, capsys):
    assert main(["train", "distill", *distill_flags(chain)]) == 1
    assert "holds a run already; pass --resume" in capsys.readouterr().err


def test_resuming_with_other_options_is_an_error(chain, capsys):
    assert main(["train", "distill", *distill_flags(chain), "--seed", "9", "--resume"]) == 1
    assert "seed is 1 there and 9 now" in capsys.readouterr().err


def test_resuming_goes_on_for_longer(chain):
    steps = last_scores(chain / "student")["step"]
    assert main(["train", "distill", *distill_flags(chain, epochs="9"), "--resume"]) == 0
    assert last_scores(chain / "student")["step"] > steps


def test_missing_corpus_is_named(chain, capsys):
    flags = distill_flags(chain, output="none")
    flags[flags.index("--corpus") + 1] = str(chain / "absent")
    assert main(["train", "distill", *flags]) == 2
    assert "absent: no corpus; stage `corpus` makes one" in capsys.readouterr().err


def test_feats_of_a_teacher_can_be_taken(chain, tmp_path):
    feats = tmp_path / "feats.json"
    feats.write_text(json.dumps(["_", "Number=Sing"]))
    flags = ["--treebanks", str(chain / "treebanks"), "--output", str(tmp_path / "corpus")]
    assert main(["train", "corpus", *flags, "--feats", str(feats)]) == 0
    assert TreebankCorpus.load(tmp_path / "corpus").feats == ("_", "Number=Sing")
