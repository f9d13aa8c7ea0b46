"""The graphs of the tiny word student, and a bundle of them that `Tagger` loads."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

from mtag_core.labels import UPOS_LABELS, Labels, save_labels
from mtag_core.lemma_tables import EXCEPTIONS, KNOWN_LEMMAS
from mtag_core.tagging.bundle import DEFAULT_BUNDLE, write_manifest
from mtag_core.tagging.forms import FormFeatures
from mtag_core.training.export.student_graph import word_graphs
from mtag_core.training.export.tagger_graph import LanguageLabels
from mtag_core.training.networks.trained_model import TrainedModel, read_student
from tests.mtag_core.training.tiny_word_model import (
    LETTERS,
    N_FEATS,
    RULES,
    TREEBANKS,
    write_word_model,
)

# Every part of speech has the first label and a share of the others; the last, all of them.
FEATS_GROUPS, RULE_GROUPS = (
    tuple(
        tuple(range(n)) if upos == 16 else tuple(sorted({0, *range(1 + upos % 9, n, 9)}))
        for upos in range(17)
    )
    for n in (N_FEATS, len(RULES))
)
# Of the first treebank's language; the other's has all labels.
LANGUAGE_LABELS = LanguageLabels(
    (0, -1),
    [[group[::2] for group in FEATS_GROUPS]],
    [[group[:1] for group in RULE_GROUPS]],
)
SENTENCES = [
    ["Abc", "de", "j", "."],
    ["a"],
    ["hij", "B", "cab", "deaf", "ABBA", ",", "a" * 20],
    ["ab", "c"],
    ["Ab", "abcde", "jedi", "."],
]


def _random_sentences() -> Iterator[tuple[list[str], int]]:
    """Enough of them to find the ranges of activations, each with the number of a treebank."""
    draw = random.Random(7)
    for index in range(200):
        forms = ["".join(draw.choices(LETTERS, k=draw.randint(1, 14))) for _ in range(5)]
        yield forms, index % 3


def tiny_labels() -> Labels:
    feats = ("_", *(f"F=V{i}" for i in range(1, N_FEATS)))
    return Labels(UPOS_LABELS, feats, FEATS_GROUPS, TREEBANKS, RULES, RULE_GROUPS)


def tiny_graphs(
    directory: Path, *, languages: LanguageLabels | None = LANGUAGE_LABELS
) -> tuple[TrainedModel, dict[str, bytes], dict[str, bytes]]:
    """Writes the model to a directory; gives it and its graphs, float32 and int8."""
    trained = read_student(write_word_model(directory))
    features = FormFeatures(directory / "tokenizer.json")
    sentences = _random_sentences()
    graphs = word_graphs(trained, tiny_labels(), sentences, features, languages=languages)
    return trained, *graphs


def write_word_bundle(directory: Path, *, is_int8: bool = True) -> Path:
    """Writes a bundle with the shipped segmenters."""
    model = directory.parent / f"{directory.name}-model"
    _, reference, quantised = tiny_graphs(model)
    shutil.copytree(DEFAULT_BUNDLE, directory, dirs_exist_ok=True)
    for name, graph in (quantised if is_int8 else reference).items():
        (directory / name).write_bytes(graph)
    shutil.copyfile(model / "tokenizer.json", directory / "tokenizer.json")
    for name in (EXCEPTIONS, KNOWN_LEMMAS):
        (directory / name).unlink()
    save_labels(tiny_labels(), directory)
    write_manifest(directory, scores={})
    return directory
