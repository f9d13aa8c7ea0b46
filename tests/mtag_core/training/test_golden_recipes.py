"""What each recipe makes of toy data, held to stored figures: a refactoring must not change it.

Models are compared by the logits that they give to the toy sentences: weights whose gradient is
zero drift with the rounding of the processor, what a model answers does not. Sizes, names and
labels have to be equal, figures equal within `TOLERANCE`. `pytest --update-golden` writes the
figures anew; review the difference.
"""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")
pytest.importorskip("transformers", reason="transformers is an extra: install mtag[train]")

import onnx

from benchmarks.baselines.meta_lstm.train import main as train_meta_lstm
from benchmarks.baselines.meta_lstm.training import MetaLstmTagger
from mtag_core import Tagger
from mtag_core.__main__ import main
from mtag_core.labels import load_labels
from mtag_core.training.data.datasets import WordSentences
from mtag_core.training.data.model_input import ModelInput
from mtag_core.training.networks.model_files import Network
from tests.mtag_core.training.tiny_training import (
    toy_tokenizer,
    write_everything,
    write_raw_text,
    write_shard,
)
from tests.mtag_core.training.toy_treebanks import LEMMAS, SENTENCES, write_treebank

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
GOLDEN = Path(__file__).parents[2] / "golden" / "recipes.json"
# Processors round differently, and training carries that on.
TOLERANCE = 0.1
CPU = torch.device("cpu")
QUICK = ["--n_evaluations", "1", "--peak_rate", "1e-2"]


class Toy:
    """The folder of a chain of recipes; each is run once."""

    def __init__(self, folder: Path):
        self.folder = folder
        torch.set_num_threads(1)
        torch.manual_seed(3)
        write_everything(folder)
        write_raw_text(folder)
        # A second treebank that contradicts the first.
        for treebank in ("en_toy", "en_play"):
            for part in ("train", "dev"):
                path = folder / "treebanks" / f"{treebank}-ud-{part}.conllu"
                n_repeats = 1 if (treebank, part) == ("en_toy", "dev") else 8
                write_treebank(path, repeats=n_repeats, lemmas=LEMMAS)
        path = folder / "treebanks" / "en_play-ud-train.conllu"
        path.write_text(path.read_text().replace("NOUN", "PROPN"))
        # Learnt pieces that occur equally often come in another order each time.
        (folder / "text").mkdir()
        toy_tokenizer().save(str(folder / "text" / "tokenizer.json"))

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def run(self, command: str, *flags: str) -> None:
        assert main([command, *flags]) == 0

    @property
    def treebanks(self) -> list[str]:
        return ["--treebanks", self.path("treebanks")]

    def distilling(self, output: str, *flags: str) -> list[str]:
        return [
            *("--corpus", self.path("corpus"), "--labelled", self.path("labels")),
            *("--text", self.path("text"), "--output", self.path(output)),
            *("--budget", "128", *SMALL, *QUICK, *flags),
        ]


SMALL = ["--hidden_size", "16", "--n_layers", "1"]


@pytest.fixture(scope="module")
def toy(tmp_path_factory) -> Toy:
    toy = Toy(tmp_path_factory.mktemp("toy"))
    toy.run("read-treebanks", *toy.treebanks, "--output", toy.path("corpus"))
    encoder = ["--encoder", toy.path("encoder"), "--output", toy.path("teacher")]
    sizes = ["--piece_budget", "128", "--epochs", "4"]
    toy.run("train-teacher", *encoder, "--corpus", toy.path("corpus"), *sizes, *QUICK)
    text = ["--text", toy.path("raw"), "--encoder", toy.path("encoder")]
    text += ["--segmenters", toy.path("segmenters"), "--output", toy.path("text")]
    toy.run("prepare-text", "--corpus", toy.path("corpus"), *text)
    labels = ["--text", toy.path("text"), "--output", toy.path("labels")]
    toy.run("label-words", "--teachers", toy.path("teacher"), *labels)
    toy.run("distill", *toy.distilling("student", "--epochs", "4"))
    minibert = ["--architecture", "minibert", "--epochs", "4"]
    toy.run("distill", *toy.distilling("minibert", *minibert))
    return toy


@pytest.fixture
def check(update_golden):
    """Compares figures with the stored ones, or stores them."""

    def check(name: str, found: object) -> None:
        found = json.loads(json.dumps(found))
        golden = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
        if update_golden:
            lines = json.dumps(golden | {name: found}, indent=1, sort_keys=True)
            # A list of figures on one line: a model is a line of the diff.
            lines = re.sub(r"\[[^\[\]{}]*\]", lambda m: " ".join(m[0].split()), lines)
            GOLDEN.write_text(lines + "\n")
            return
        differing = list(differences(golden[name], found, name))
        assert differing == []

    return check


def differences(expected: object, found: object, place: str):
    """Yields the places where two JSON values differ, floats by more than `TOLERANCE`."""
    if isinstance(expected, dict) and isinstance(found, dict) and expected.keys() == found.keys():
        for key in expected:
            yield from differences(expected[key], found[key], f"{place}.{key}")
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for index, pair in enumerate(zip(expected, found, strict=True)):
            yield from differences(*pair, f"{place}[{index}]")
    elif isinstance(expected, float) and isinstance(found, float):
        if abs(expected - found) > TOLERANCE * max(1.0, abs(expected)):
            yield f"{place}: {found}, expected {expected}"
    elif expected != found:
        yield f"{place}: {found!r}, expected {expected!r}"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def model_figures(directory: Path) -> dict[str, object]:
    """Names, sizes, labels, and the best UPOS and FEATS logit of each toy token."""
    network = Network.load(directory, device=CPU)
    model, tokenizer = network.model.eval(), directory / "tokenizer.json"
    form_to_id: dict[str, int] = {}
    words = WordSentences.of([text.split() for text in SENTENCES], form_to_id)
    reader = ModelInput(tokenizer, network.has_words, CPU, max_pieces=64)
    sentences = reader.sentences(words, reader.forms(list(form_to_id)))
    with torch.no_grad():
        logits = model(sentences.batch(np.arange(len(words))))
    shapes = {name: list(weight.shape) for name, weight in model.state_dict().items()}
    points = [json.loads(line) for line in (directory / "curves.jsonl").read_text().splitlines()]
    return {
        "shapes": sha256(json.dumps(shapes, sort_keys=True).encode()),
        "feats": json.loads((directory / "feats.json").read_text()),
        "tokenizer": sha256(tokenizer.read_bytes()),
        "best_upos": logits["upos"].argmax(-1).tolist(),
        "upos_logits": figures(logits["upos"].amax(-1)),
        "feats_logits": figures(logits["feats"].amax(-1)),
        "steps": points[-1]["step"],
    }


def figures(values) -> list[float]:
    return [round(float(value), 3) for value in np.ravel(values)]


def test_teacher(toy, check):
    check("teacher", model_figures(toy.folder / "teacher"))


def test_labels(toy, check):
    arrays = {
        path.stem: np.load(path) for path in (toy.folder / "labels" / "shard-0").glob("*.npy")
    }
    check(
        "labels",
        {name: figures(array.sum(dtype=np.float64)) for name, array in sorted(arrays.items())},
    )


@pytest.mark.parametrize("student", ["student", "minibert"])
def test_distilled_student(toy, check, student):
    check(f"distill_{student}", model_figures(toy.folder / student))


def test_distillation_with_every_option(toy, check):
    flags = ["--piece_dropout", "0.1", "--dropout", "0.1"]
    flags += ["--changed_share", "0.5", "--named_share", "0.5", "--label_share", "0.2"]
    flags += ["--upos_temperature", "1", "--treebank_rate", "2", "--text_rate", "3"]
    toy.run("distill", *toy.distilling("options", *flags, "--epochs", "1"))
    check("distill_with_options", model_figures(toy.folder / "options"))


def test_distillation_from_shards(toy, check):
    feats = json.loads((toy.folder / "teacher" / "feats.json").read_text())
    write_shard(toy.folder / "shards" / "part.parquet", feats)
    flags = ["--logits", toy.path("shards"), "--corpus", toy.path("corpus"), *SMALL, *QUICK]
    flags += ["--text", toy.path("text"), "--output", toy.path("from_shards")]
    toy.run("distill", *flags, "--budget", "128", "--epochs", "5")
    check("distill_from_shards", model_figures(toy.folder / "from_shards"))


def test_finetuned_student(toy, check):
    start = ["--student", toy.path("student"), "--text_rate", "1", "--epochs", "1"]
    toy.run("finetune", *toy.distilling("finetuned", *start))
    check("finetune", model_figures(toy.folder / "finetuned"))


@pytest.fixture(scope="module")
def adapted(toy) -> Path:
    flags = ["--student", toy.path("student"), *toy.treebanks, "--output", toy.path("adapted")]
    flags += ["--budget", "128", "--epochs", "2", "--piece_dropout", "0.05", *QUICK]
    toy.run("adapt", *flags, "--train_on_dev")
    flags = ["--model", toy.path("adapted"), *toy.treebanks, "--epochs", "50"]
    toy.run("fit-adapters", *flags, "--output", toy.path("fitted"))
    return toy.folder / "adapted"


def test_adapted_student(adapted, check):
    check("adapt", model_figures(adapted))


def test_adapters_of_treebanks(toy, adapted, check):
    network = Network.load(toy.folder / "fitted", device=CPU)
    metadata, adapters = network.metadata, network.model.adapters.weight.detach()
    found = [list(metadata.treebanks), metadata.styles, figures(adapters.abs().sum(1))]
    check("adapters", [*found, metadata.temperatures])


def test_mean_of_models(toy, adapted, check):
    models = ["--first", toy.path("student"), "--second", str(adapted)]
    toy.run("average-models", *models, "--output", toy.path("mean"))
    (toy.folder / "mean" / "curves.jsonl").write_text('{"step": 0}\n')
    check("average_models", model_figures(toy.folder / "mean"))


@pytest.fixture(scope="module")
def bundle(toy, adapted) -> Path:
    flags = ["--model", toy.path("fitted"), "--segmenters", toy.path("segmenters")]
    toy.run("export", *flags, *toy.treebanks, "--output", toy.path("bundle"))
    return toy.folder / "bundle"


def test_exported_bundle(bundle, check):
    graphs = [onnx.load(str(bundle / name)).graph for name in ("tagger.onnx", "heads.onnx")]
    tagger = Tagger.load(bundle)
    tagged = list(tagger.tag_tokens([text.split() for text in SENTENCES]))
    manifest = json.loads((bundle / "bundle.json").read_text())
    check(
        "bundle",
        {
            "files": sorted(manifest["files"]),
            "nodes": sha256(
                " ".join(node.op_type for each in graphs for node in each.node).encode()
            ),
            "constants": sha256(
                str(sorted((i.name, list(i.dims)) for g in graphs for i in g.initializer)).encode()
            ),
            "labels": json.loads(load_labels(bundle).to_json()),
            "upos": [list(sentence.upos) for sentence in tagged],
            "upos_scores": figures(np.concatenate([s.upos_scores for s in tagged])),
            "scores": manifest["scores"],
            "card": sha256(re.sub(r"[0-9.]+", "0", (bundle / "README.md").read_text()).encode()),
        },
    )


def test_unpacked_bundle(toy, bundle, check):
    toy.run("unpack-bundle", "--bundle", str(bundle), "--output", toy.path("unpacked"))
    (toy.folder / "unpacked" / "curves.jsonl").write_text('{"step": 0}\n')
    check("unpack_bundle", model_figures(toy.folder / "unpacked"))


def test_language_identification(toy, check):
    """fastText's threads write without locks: what they are given is compared, not the model."""
    texts = toy.folder / "langid_text"
    texts.mkdir()
    for code, words in {"nb": "kano milu tarok senif pulo", "sr": "xythe quorr wyzzel"}.items():
        lines = [f"{words} {words[::-1]} {number:b}".replace("0", "o").replace("1", "l")
                 for number in range(60)]  # fmt: skip
        (texts / f"{code}.txt").write_text("\n".join(lines) + "\n")
    flags = "--min_count 1 --n_buckets 500 --n_kept 400 --n_epochs 2 --held_back_every 5".split()
    toy.run("train-langid", "--text", str(texts), "--output", toy.path("langid"), *flags)
    files = ("train.txt", "held-back.tsv")
    found = {name: sha256((toy.folder / "langid" / name).read_bytes()) for name in files}
    scores = json.loads((toy.folder / "langid" / "scores.json").read_text())
    check("langid", found | {"languages": sorted(scores["languages"])})


def test_meta_lstm(toy, check):
    flags = ["--train", f"{toy.path('treebanks')}/*-train.conllu", "--output", toy.path("lstm")]
    text = toy.folder / "words.txt"
    text.write_text("\n".join(SENTENCES * 5))
    flags += ["--text", str(text), "--vector_width", "8", "--lstm_width", "8", "--epochs", "8"]
    assert train_meta_lstm([*flags, "--token_budget", "60", "--peak_rate", "2e-2"]) == 0
    tagger = MetaLstmTagger.load(toy.folder / "lstm")
    batch = tagger._encoder.batch([text.split() for text in SENTENCES])
    with torch.no_grad():
        logits = tagger._model.stage_logits(batch, "meta")
    check("meta_lstm", [figures(scores.amax(-1)) for scores in logits])
