"""Names the flags of a run that nothing in it uses, so that none is without effect in silence."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from mtag_core.corpus import Format, ReadOptions, format_of, formats_using
from mtag_core.storage import FileInfo
from mtag_core.training.logits.bundle_teacher import BundleTeacher
from mtag_core.training.logits.logit_teachers import OnnxTeacher
from mtag_core.treebank_style import unused_styles
from pipelines.annotate_options import DEFAULT_COMPRESSION, DEFAULT_POLL_INTERVAL_S, AnnotateOptions


def unused_read_flags(read: ReadOptions, files: Iterable[FileInfo]) -> list[str]:
    """A line for each flag of reading that no input uses.

    Args:
        read: What the flags say.
        files: The inputs.
    """
    found = {format_of(file, read) for file in files}
    lines = []
    for field in fields(read):
        value, users = getattr(read, field.name), formats_using(field.name)
        if users and value != field.default and found.isdisjoint(users):
            lines.append(
                f"--{field.name}={value} changes nothing: it is for {_names(users)}, and the "
                f"inputs are {_names(found)}; --input_format says what they are"
            )
    return lines


def _names(formats: Iterable[Format]) -> str:
    return ", ".join(sorted(each.title for each in formats))


def unused_run_flags(options: AnnotateOptions) -> list[str]:
    """A line for each flag of writing and running that nothing uses."""
    lines = []
    compression = options.compression
    if options.format == "parquet" and compression != DEFAULT_COMPRESSION:
        lines.append(f"--compression={compression} changes nothing: Parquet compresses its columns")
    if options.poll_interval != DEFAULT_POLL_INTERVAL_S and not options.streaming:
        lines.append("--poll_interval changes nothing without --streaming")
    return lines


def unused_style_flags(treebanks: Iterable[str], report: Mapping[str, Any]) -> list[str]:
    """A line for each treebank whose style no sentence has.

    Args:
        treebanks: Names of treebanks.
        report: The content of run.json.
    """
    languages = report["tokens_by_language"]
    found = ", ".join(sorted(languages)) or "none"
    return [
        f"--treebank_style={name} changed nothing: no sentence is in its language, found: {found}"
        for name in unused_styles(treebanks, languages=languages)
    ]


def unused_device_flag(device: str, teacher: object) -> list[str]:
    """A line where `--device` is given and the teacher runs on the CPU anyway."""
    if device == "cpu" or not isinstance(teacher, OnnxTeacher | BundleTeacher):
        return []
    return [f"--device={device} changes nothing: ONNX Runtime runs this teacher, on the CPU"]
