"""Opens a teacher of any kind."""

from pathlib import Path

from mtag_core.errors import BundleError, UsageError
from mtag_core.tagging.bundle import MANIFEST
from mtag_core.training.logits.bundle_teacher import BundleTeacher
from mtag_core.training.logits.logit_teachers import TEACHER_FILE, OnnxTeacher, Teacher
from mtag_core.training.logits.trained_teacher import TrainedTeacher, is_trained_model

_TORCH_PACKAGES = ("safetensors", "torch", "transformers")


def load_teacher(directory: Path | None, *, bundle: str | None = None, device: str) -> Teacher:
    """Loads a teacher.

    Args:
        directory: Of `export-teacher` or a model bundle, both run by ONNX Runtime; of
            `train-teacher` or Hugging Face's, run by torch. None for the network of `bundle`.
        bundle: A model bundle's path or URL; None for the one inside mtag.
        device: Of a torch teacher, such as `cpu` or `cuda`.

    Raises:
        BundleError: The directory is none of these, or damaged.
        CheckpointError: A trained model is damaged.
        UsageError: The teacher needs torch, which is not installed.
    """
    if directory is None:
        return BundleTeacher(bundle)
    if (directory / TEACHER_FILE).exists():
        return OnnxTeacher(directory)
    if (directory / MANIFEST).exists():
        return BundleTeacher(directory)
    try:
        return _torch_teacher(directory, device)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _TORCH_PACKAGES:
            raise
        raise UsageError(
            f"{directory}: this teacher needs {error.name}: python -m pip install '.[train]'"
        ) from error


def _torch_teacher(directory: Path, device: str) -> Teacher:
    if is_trained_model(directory):
        return TrainedTeacher(directory, device=device)
    if not (directory / "config.json").exists():
        raise BundleError(
            f"{directory}: neither {TEACHER_FILE} (see `python -m mtag_core export-teacher`) nor a "
            f"bundle's {MANIFEST} nor a model of `train-teacher` nor config.json of a Hugging Face "
            "model"
        )
    from mtag_core.training.logits.hugging_face_teacher import HuggingFaceTeacher

    return HuggingFaceTeacher(directory, device=device)
