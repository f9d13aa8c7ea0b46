"""Writes a bundle's model card: what the model is, what it scores, what it learnt from."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mtag_core.evaluation.summary import averages, markdown_table
from mtag_core.evaluation.treebanks import TreebankResult
from mtag_core.labels import Labels
from mtag_core.tagging.forms import MAX_FORM_PIECES, N_NGRAM_ROWS
from mtag_core.training.data.treebanks import read_licences, treebank_files, treebank_name

_METRICS = ("UPOS", "UFeats", "FEATS", "Lemmas")
_DEV_NOTE = (
    "Three quarters of each dev file were learnt from: the dev scores are of the rest, every "
    "fourth block of ten sentences. No test file was."
)


def format_model_card(
    config: Mapping[str, Any],
    labels: Labels,
    part_to_results: Mapping[str, Sequence[TreebankResult]],
    *,
    treebanks: Path,
    learnt: frozenset[str],
    notes: str,
) -> str:
    """The card as Markdown.

    `config` is the content of the trained model's `config.json`. Scores are from gold tokens by
    `dev`, `test` (the bundle) and `dev, float32`. Licences are those of `treebanks/INDEX.tsv`, if
    there is one, of the treebanks that were `learnt`; `notes` say how the model was trained.
    """
    parts = [
        _opening(config, labels),
        _macro_table(part_to_results),
        _DEV_NOTE if config.get("is_trained_on_dev") else "",
        _treebank_table(part_to_results),
        "## How it was trained\n\n" + notes.strip() if notes else "",
        _data_table(treebanks, learnt),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _opening(config: Mapping[str, Any], labels: Labels) -> str:
    tables = (
        f" {len(labels.exceptions):,} forms, counted by style, have the lemma rule of treebanks; "
        f"of others the {len(labels.known_lemmas):,} lemmas of treebanks are preferred."
        if labels.exceptions
        else ""
    )
    temperatures = config["temperatures"]
    n_classified = len(labels.classifier.treebank_to_weights)
    classifier = (
        f" {n_classified} treebanks, of languages that have several, are told apart by their "
        "words, so that a document can follow the one that it is most like (`mixed`)."
        if n_classified
        else ""
    )
    return (
        "# Model card\n\n"
        "Tags tokens with one of 17 universal parts of speech and one of "
        f"{len(labels.feats):,} bundles of morphological features, and a lemma by one of "
        f"{len(labels.lemma_rules):,} rules.\n\nA form encoder (1 layer over at most "
        f"{MAX_FORM_PIECES} of {config['n_pieces']:,} lower-cased wordpieces, "
        f"{N_NGRAM_ROWS:,} rows of hashed n-grams, letter case), then "
        f"{config['n_context_layers']} layers over the words of a sentence; width "
        f"{config['hidden_size']}, {config['n_heads']} heads, feed-forward width "
        f"{config['intermediate_size']}; logits divided by {temperatures['upos']:.2f} (UPOS) and "
        f"{temperatures['feats']:.2f} (FEATS) for calibrated probabilities; "
        "products in int8 (weights 7 bits, activations 8 with fixed scales), the rest in float32. "
        "FEATS and lemma rules are scored among those that occur with the predicted part of "
        f"speech.{tables}{classifier}"
    )


def macro(results: Sequence[TreebankResult]) -> dict[str, float]:
    """F1 in percent by metric, mean over the treebanks that have training data."""
    return averages([each for each in results if each.has_training_data])[0].metric_to_f1


def _macro_table(part_to_results: Mapping[str, Sequence[TreebankResult]]) -> str:
    rows = []
    for part, results in part_to_results.items():
        if n_trained := sum(result.has_training_data for result in results):
            mean = macro(results)
            cells = (f"{mean[name]:.2f}" if name in mean else "" for name in _METRICS)
            rows.append([part, str(n_trained), *cells])
    return (
        "## Scores\n\nFrom gold tokens, CoNLL 2018 metric, mean over the treebanks that have "
        "training data. UFeats counts universal features only, FEATS the whole bundle.\n\n"
        + markdown_table(["part", "treebanks", *_METRICS], rows)
    )


def _treebank_table(part_to_results: Mapping[str, Sequence[TreebankResult]]) -> str:
    parts = [part for part in ("dev", "test") if part_to_results.get(part)]
    scores = {
        part: {result.treebank: result.scores for result in part_to_results[part]} for part in parts
    }
    header = ["treebank", *(f"{part} {name}" for part in parts for name in _METRICS)]
    rows = []
    for treebank in sorted({name for part in parts for name in scores[part]}):
        found = (scores[part].get(treebank, {}).get(name) for part in parts for name in _METRICS)
        rows.append([treebank, *(f"{100 * score.f1:.1f}" if score else "" for score in found)])
    return markdown_table(header, rows)


def _data_table(treebanks: Path, learnt: frozenset[str]) -> str:
    licence_of = read_licences(treebanks)
    rows = [
        f"| {treebank_name(path)} | {licence_of.get(path.parent.name, 'see the treebank')} |"
        for path in treebank_files(treebanks, "train")
        if treebank_name(path) in learnt
    ]
    return "\n".join(
        [
            "## Data and licences\n\nThe weights were learnt from the treebanks below (Universal "
            "Dependencies, https://universaldependencies.org). Their licences say what may be done "
            "with what is made from them; some allow no commercial use. The code's licence does "
            "not cover the weights.\n\n| treebank | licence |\n|---|---|",
            *rows,
        ]
    )
