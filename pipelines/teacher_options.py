"""Options of `pipelines.teacher_logits`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mtag_core.errors import UsageError
from mtag_core.options import Flags, group, option
from mtag_core.training.logits.bundle_teacher import BundleTeacher
from mtag_core.training.logits.sentence_choice import ChoiceOptions
from mtag_core.training.logits.soft_targets import SummaryOptions
from pipelines.options import CorpusOptions, JobOptions, parse_flags


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherOptions:
    """The options of one run; each is described by `--help`."""

    corpus: CorpusOptions = group(section="input")
    job: JobOptions = group(section="output")
    choice: ChoiceOptions = group(ChoiceOptions(), section="sentences")
    teacher: Path | None = option(
        "made by `mtag train teacher` (torch), a Hugging Face token-classification directory "
        "(torch), or a model bundle; that of --model if left out",
        None,
        metavar="DIR",
        section="teacher",
    )
    device: str = option(
        "of a torch teacher, such as cuda", "cpu", metavar="NAME", section="teacher"
    )
    model: str | None = option(
        "bundle whose segmenters are used; the one in mtag if left out",
        None,
        metavar="DIR",
        section="teacher",
    )
    summary: SummaryOptions = group(SummaryOptions(), section="teacher")


_FLAGS = Flags(TeacherOptions)


def parse_teacher_options(argv: Sequence[str]) -> TeacherOptions:
    """Parses the command line.

    Raises:
        UsageError: A flag is unknown, missing or has a wrong value; the message says what to do.
    """
    does = "Lets a teacher score the sentences of Wikipedia dumps or other text."
    options = parse_flags(_FLAGS, argv, job="teacher_logits", does=does)
    choice = options.choice
    if choice.min_tokens > choice.max_tokens:
        raise UsageError(
            f"--min_tokens={choice.min_tokens} is above --max_tokens={choice.max_tokens}"
        )
    return options


def unused_device_flag(device: str, teacher: object) -> list[str]:
    """A line where `--device` is given and the teacher runs on the CPU anyway."""
    if device == "cpu" or not isinstance(teacher, BundleTeacher):
        return []
    return [f"--device={device} changes nothing: ONNX Runtime runs this teacher, on the CPU"]
