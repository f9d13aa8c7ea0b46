import json

import pytest

torch = pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")
pytest.importorskip("transformers", reason="transformers is an extra: install mtag[train]")

from mtag_core import Tagger
from mtag_core.__main__ import main
from mtag_core.errors import UsageError
from mtag_core.training.data.corpus import TreebankCorpus
from mtag_core.training.networks.model_files import Network
from mtag_core.training.options import BundleTrainingOptions
from mtag_core.training.recipes.bundle_training import run, stages_of
from tests.mtag_core.training.tiny_training import write_everything, write_raw_text
from tests.mtag_core.training.toy_treebanks import LEMMAS, write_treebank

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
TINY = ["--hidden_size", "16", "--n_layers", "1", "--n_pieces", "60", "--max_pieces", "40"]
QUICK = ["--epochs", "4", "--budget", "128", "--n_teachers", "1"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chain")
    torch.set_num_threads(1)
    write_everything(folder)
    for path in (folder / "treebanks").iterdir():
        write_treebank(path, repeats=8 if "train" in path.name else 1, lemmas=LEMMAS)
    write_treebank(folder / "treebanks" / "en_toy-ud-test.conllu", repeats=1, lemmas=LEMMAS)
    write_raw_text(folder)
    return folder


def flags(folder, *more):
    paths = {"treebanks": "treebanks", "text": "raw", "encoder": "encoder", "output": "bundle"}
    paths["segmenters"] = "segmenters"
    named = [word for name, path in paths.items() for word in (f"--{name}", str(folder / path))]
    return ["train", "bundle", *named, *TINY, *QUICK, *more]


@pytest.fixture(scope="module")
def made(folder):
    assert main(flags(folder)) == 0
    return folder


def test_bundle_tags_and_knows_lemmas(made):
    tagger = Tagger.load(str(made / "bundle"))
    (sentence,) = tagger.tag_tokens([["the", "cats", "sleep", "."]])
    assert len(sentence.upos) == 4
    config = json.loads((made / "bundle.work" / "final" / "config.json").read_text())
    assert config["architecture"] == "words"
    assert config["styles"]["en"] in ("en_toy", "en_play")


def test_student_learns_lemma_rules(made):
    corpus = TreebankCorpus.load(made / "bundle.work" / "corpus")
    assert "l|0+|1+" in corpus.inventories.lemma_rules
    network = Network.load(made / "bundle.work" / "final", device=torch.device("cpu"))
    assert network.lemma_rules == corpus.inventories.lemma_rules
    assert network.model.adapters.weight[0].abs().sum() == 0


def test_what_is_made_is_not_made_again(made):
    times = {path: path.stat().st_mtime_ns for path in (made / "bundle.work").rglob("*.*")}
    assert main(flags(made)) == 0
    assert {path: path.stat().st_mtime_ns for path in times} == times


def test_stage_can_be_called_alone(made, tmp_path):
    work = tmp_path / "work"
    assert main(flags(made, "--work", str(work), "--stages", "corpus")) == 0
    assert [path.name for path in work.iterdir()] == ["corpus"]


def options_of(folder, **changes):
    paths = {name: folder / name for name in ("treebanks", "text", "encoder", "output")}
    return BundleTrainingOptions(**paths, **changes)


def test_unknown_stage_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="'studnt', expected some of corpus, text, teachers"):
        run(options_of(tmp_path, stages=("studnt",)))


def test_teachers_label_in_as_many_parts_as_there_are_devices(tmp_path):
    stages = {stage.name: stage for stage in stages_of(options_of(tmp_path), n_devices=3)}
    assert [job.options.shard for job in stages["labels"].jobs] == [0, 1, 2]
    assert stages["student"].is_distributed


def test_minibert_is_trained_by_the_same_command(made, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    for stage in ("corpus", "teacher-1"):
        (work / stage).symlink_to(made / "bundle.work" / stage)
    output = ["--work", str(work), "--output", str(tmp_path / "bundle")]
    assert main(flags(made, *output, "--architecture", "minibert")) == 0
    tagger = Tagger.load(str(tmp_path / "bundle"), treebank_style=["en_toy"])
    (sentence,) = tagger.tag_tokens([["the", "cats", "sleep", "."]])
    assert len(sentence.upos) == 4
    config = json.loads((work / "final" / "config.json").read_text())
    assert (config["encoder"], config["n_treebanks"]) == ("bert", 2)
