import json
import shutil

import pytest

torch = pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")
pytest.importorskip("transformers", reason="transformers is an extra: install mtag[train]")

from mtag_core import Tagger
from mtag_core.__main__ import main
from mtag_core.errors import UsageError
from mtag_core.tagging.bundle import DEFAULT_BUNDLE
from mtag_core.training.data.corpus import TreebankCorpus
from mtag_core.training.logits.trained_teacher import TrainedTeacher
from mtag_core.training.networks.model_files import Network
from mtag_core.training.options import BundleTrainingOptions
from mtag_core.training.recipes.bundle_training import Chain, run
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
    paths["langid"] = str(DEFAULT_BUNDLE / "langid.ftz")
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
    assert "l|0+|1+" in corpus.lemma_rules
    network = Network.load(made / "bundle.work" / "final", device=torch.device("cpu"))
    assert network.lemma_rules == corpus.lemma_rules
    adapters = network.model.state_dict()["adapters.weight"]
    assert adapters[0].abs().sum() == 0


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
    with pytest.raises(UsageError, match="'studnt', expected some of corpus, segmenters"):
        run(options_of(tmp_path, stages=("studnt",)))


def test_teachers_label_in_as_many_parts_as_there_are_devices(tmp_path):
    stages = {stage.name: stage for stage in Chain(options_of(tmp_path), 3).stages()}
    assert [job.options.shard for job in stages["labels"].jobs] == [0, 1, 2]
    assert stages["student"].needs == "all gpus"


def test_each_stage_comes_after_those_that_it_needs(tmp_path):
    stages = list(Chain(options_of(tmp_path), 1).stages())
    names = [stage.name for stage in stages]
    for place, stage in enumerate(stages):
        assert set(stage.after) <= set(names[:place])
    assert {"segmenters", "langid"} < set(names)
    given = options_of(tmp_path, segmenters=tmp_path / "segmenters", langid=tmp_path / "id.ftz")
    left = [stage.name for stage in Chain(given, 1).stages()]
    assert left == [name for name in names if name not in ("segmenters", "langid")]


def test_segmenters_are_trained_where_none_are_given(made, tmp_path):
    work = str(tmp_path / "work")
    command = flags(made, "--work", work, "--stages", "segmenters")
    del command[command.index("--segmenters") : command.index("--segmenters") + 2]
    assert main(command) == 0
    names = {path.name for path in (tmp_path / "work" / "segmenters").glob("*.npz")}
    assert names == {"en.linear.npz", "generic.linear.npz", "langid.words.npz"}


def test_with_gpus_stages_are_processes_that_wait_for_each_other(made, tmp_path):
    work = tmp_path / "work"
    stages = ["text", "corpus"]
    command = flags(made, "--work", str(work), "--device", "cuda", "--stages", *stages)
    assert main(command) == 0
    assert (work / "text" / "forms.npz").exists()


def test_treebanks_are_chosen_by_licence(made, tmp_path):
    treebanks = tmp_path / "treebanks"
    for name, licence in (("en_toy", "CC-BY-4.0"), ("en_play", "CC-BY-NC-4.0")):
        folder = treebanks / licence
        folder.mkdir(parents=True)
        for path in (made / "treebanks").glob(f"{name}-*"):
            shutil.copyfile(path, folder / path.name)
    command = flags(made, "--work", str(tmp_path / "work"), "--stages", "corpus")
    command += ["--treebanks", str(treebanks), "--licences", "CC-BY-4.0"]
    (treebanks / "INDEX.tsv").write_text("treebank\tlicense\n")
    assert main(command) == 2
    rows = "".join(f"{name}\t{name}\n" for name in ("CC-BY-4.0", "CC-BY-NC-4.0"))
    (treebanks / "INDEX.tsv").write_text("treebank\tlicense\n" + rows)
    assert main(command) == 0
    corpus = TreebankCorpus.load(tmp_path / "work" / "corpus")
    assert corpus.train.sources == ("en_toy",)


def test_minibert_is_trained_by_the_same_command(made, tmp_path, capsys):
    work = tmp_path / "work"
    work.mkdir()
    for stage in ("corpus", "teacher-1"):
        (work / stage).symlink_to(made / "bundle.work" / stage)
    output = ["--work", str(work), "--output", str(tmp_path / "bundle")]
    capsys.readouterr()
    assert main(flags(made, *output, "--architecture", "minibert")) == 0
    assert capsys.readouterr().out == f"{work / 'mean'}\n"
    assert json.loads((work / "mean" / "config.json").read_text())["encoder"] == "bert"
    # As benchmarks score it.
    ((upos, _),) = TrainedTeacher(work / "mean").best_labels([["the", "cats", "sleep", "."]])
    assert len(upos) == 4
