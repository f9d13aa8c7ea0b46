"""What a run over logits records of itself, and the segmenters that it uses."""

from dataclasses import dataclass, field
from pathlib import Path

from mtag_core.langid import LanguageIdentifier
from mtag_core.parts.run import RunConfig
from mtag_core.segmentation import Segmenter
from mtag_core.tagging.bundle import Bundle
from mtag_core.training.logits.sentence_choice import ChoiceOptions
from mtag_core.training.logits.soft_targets import SummaryOptions


@dataclass(frozen=True)
class LogitsConfig(RunConfig):
    """A run's configuration with what only teacher logits have.

    Attributes:
        segmenters: Digest of the bundle that they are of.
        choice: Which sentences are kept.
        summary: What is kept of their logits.
    """

    segmenters: str = ""
    choice: ChoiceOptions = field(default_factory=ChoiceOptions)
    summary: SummaryOptions = field(default_factory=SummaryOptions)


def load_segmenter(bundle: str | Path | None = None) -> Segmenter:
    """Loads language identification and segmenters out of a model bundle.

    Args:
        bundle: Its path or URL; None for the one inside mtag.

    Raises:
        BundleError: The bundle is missing or damaged.
    """
    directory = Bundle.open(bundle).directory
    langid = LanguageIdentifier.load(directory / "langid.ftz")
    return Segmenter.load(directory / "segmenters", langid)
