"""The commands that train, from the recipes' modules and their options.

A recipe's module has `run(options) -> str`, what to print at the end. It is imported when its
command is called: most need packages that tagging does not.
"""

import argparse
import importlib
from dataclasses import MISSING, dataclass
from typing import Any

from mtag_core.cli.logs import start_logging
from mtag_core.options import Flags
from mtag_core.training.options import (
    AdapterOptions,
    AdaptOptions,
    AverageOptions,
    BundleTrainingOptions,
    CorpusOptions,
    CutEncoderOptions,
    DistillOptions,
    ExportOptions,
    LabelOptions,
    LangidOptions,
    TeacherTrainingOptions,
    TextOptions,
    UnpackBundleOptions,
)
from mtag_core.training.segmenter_options import (
    LabelBoundariesOptions,
    LabelSplitsOptions,
    TrainSegmentersOptions,
)


@dataclass(frozen=True)
class Recipe:
    """One command.

    Attributes:
        older: Its name in `python -m mtag_core`, which goes on to work.
        help_line: What it does.
        module: Inside `mtag_core.training`.
        flags: What it takes.
        is_verbose: Steps on the way are logged without --verbose, too.
    """

    older: str
    help_line: str
    module: str
    flags: Flags[Any]
    is_verbose: bool = False

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Adds the command's flags."""
        self.flags.add_to(parser)
        parser.add_argument("--verbose", "-v", action="store_true", help="log more")

    def run(self, args: argparse.Namespace) -> int:
        """Runs the recipe and prints what it says."""
        start_logging(is_verbose=args.verbose or self.is_verbose)
        module = importlib.import_module(f"mtag_core.training.{self.module}")
        message = module.run(self.flags.parse(args))
        if message:
            print(message)
        return 0


_FINETUNE: dict[str, Any] = {
    **{"student": MISSING, "label_share": 0.7, "text_rate": 0.05},
    **{"epochs": 12.0, "peak_rate": 4e-4, "warmup_share": 0.1},
}

RECIPES = {
    "train bundle": Recipe(
        "train-bundle",
        "make a bundle from treebanks, text and an encoder, in stages",
        "recipes.bundle_training",
        Flags(BundleTrainingOptions),
        is_verbose=True,
    ),
    "train langid": Recipe(
        "train-langid",
        "train the language identifier of a bundle",
        "langid",
        Flags(LangidOptions),
        is_verbose=True,
    ),
    "train segmenters": Recipe(
        "train-segmenters",
        "train the segmenters of a bundle and the common words of languages",
        "segmenters.training",
        Flags(TrainSegmentersOptions),
        is_verbose=True,
    ),
    "train teacher": Recipe(
        "train-teacher",
        "fine-tune a pretrained encoder on treebanks",
        "recipes.teacher",
        Flags(TeacherTrainingOptions),
    ),
    "train cut-encoder": Recipe(
        "cut-encoder",
        "keep the wordpieces of an encoder that treebanks and text have most",
        "data.encoder_pieces",
        Flags(CutEncoderOptions),
    ),
    "train corpus": Recipe(
        "read-treebanks",
        "read treebanks once, with lemma rules, for teachers and students",
        "data.corpus",
        Flags(CorpusOptions),
        is_verbose=True,
    ),
    "train text": Recipe(
        "prepare-text",
        "segment text, train the student's vocabulary, encode both",
        "data.text",
        Flags(TextOptions),
        is_verbose=True,
    ),
    "train labels": Recipe(
        "label-words",
        "let teachers label treebanks and text for students",
        "recipes.labelling",
        Flags(LabelOptions),
    ),
    "train distill": Recipe(
        "distill",
        "train a student on what teachers labelled, or on shards of logits",
        "recipes.distillation",
        Flags(DistillOptions),
    ),
    "train finetune": Recipe(
        "finetune",
        "train a distilled student further, on treebanks above all",
        "recipes.distillation",
        Flags(DistillOptions, **_FINETUNE),
    ),
    "train adapters": Recipe(
        "fit-adapters",
        "fit a student's treebank adapters, styles and temperatures",
        "recipes.adapters",
        Flags(AdapterOptions),
    ),
    "train adapt": Recipe(
        "adapt",
        "train a student further, on treebank labels alone",
        "recipes.adaptation",
        Flags(AdaptOptions),
    ),
    "train average-models": Recipe(
        "average-models",
        "write the weighted mean of two students of one ancestor",
        "networks.model_mean",
        Flags(AverageOptions),
    ),
    "label boundaries": Recipe(
        "label-boundaries",
        "mark in text where a fine-tuned teacher predicts that tokens end",
        "segmenters.encoder_labels",
        Flags(LabelBoundariesOptions),
        is_verbose=True,
    ),
    "label splits": Recipe(
        "label-splits",
        "split the surface tokens of text as a fine-tuned encoder predicts",
        "segmenters.encoder_labels",
        Flags(LabelSplitsOptions),
        is_verbose=True,
    ),
    "bundle export": Recipe(
        "export",
        "make the bundle that tagging loads from a trained student",
        "export.bundle",
        Flags(ExportOptions),
        is_verbose=True,
    ),
    "bundle unpack": Recipe(
        "unpack-bundle",
        "turn a bundle's student back into a model that finetune goes on with",
        "export.unpack_bundle",
        Flags(UnpackBundleOptions),
    ),
}
"""Command to recipe, in the order of use."""
