"""Adds to a bundle what tells the treebanks of a language apart, for bundles of before."""

from mtag_core.errors import UsageError
from mtag_core.labels import load_labels
from mtag_core.tagging.bundle import Bundle, write_manifest
from mtag_core.training.data.train_dev_split import read_split
from mtag_core.training.export.treebank_classifier import fit_classifier
from mtag_core.training.options import ClassifierOptions
from mtag_core.treebank_classifier import TREEBANK_CLASSIFIER


def run(options: ClassifierOptions) -> str:
    """Runs `bundle classifier`."""
    bundle = Bundle.open(str(options.bundle))
    labels = load_labels(bundle.directory)
    if not labels.treebanks:
        raise UsageError(f"{options.bundle}: a bundle that knows no treebanks; nothing to choose")
    split = read_split(
        options.treebanks, train_on_dev=bundle.is_trained_on_dev, only=labels.treebanks
    )
    path = bundle.directory / TREEBANK_CLASSIFIER
    fit_classifier(labels.treebanks, split.learnt, {}).save(path)
    write_manifest(
        bundle.directory, scores=bundle.scores, is_trained_on_dev=bundle.is_trained_on_dev
    )
    return str(path)
