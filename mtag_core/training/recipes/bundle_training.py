"""From treebanks, text and an encoder to a bundle: the recipes of training, one after the other.

Each stage leaves its product in the working directory; a stage whose product is there is not run
again, so that a chain that stopped goes on where it was. On several GPUs teachers are trained and
label side by side, and all of them train the student.
"""

import logging
import os
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

import torch

from mtag_core.errors import UsageError
from mtag_core.training.options import (
    AdapterOptions,
    AverageOptions,
    BundleTrainingOptions,
    CorpusOptions,
    DistillOptions,
    ExportOptions,
    LabelOptions,
    Schedule,
    StudentShape,
    TeacherTrainingOptions,
    TextOptions,
)

_LOGGER = logging.getLogger(__name__)
_WEIGHTS = "model.safetensors"

# A MiniBERT reads wordpieces in their letter case, and nothing else of a form.
_PIECES_OF_MINIBERT = 6


@dataclass(frozen=True)
class Job:
    """One call of a recipe.

    Attributes:
        module: Inside `mtag_core.training`; has `run(options)`.
        options: What it takes.
        product: File that is there when it is done.
    """

    module: str
    options: object
    product: Path


@dataclass(frozen=True)
class Stage:
    """Jobs that do not need each other.

    Attributes:
        name: As in `--stages`.
        jobs: What to do.
        is_distributed: Each job is done by all devices together, not by one of them.
    """

    name: str
    jobs: tuple[Job, ...]
    is_distributed: bool = False


def run(options: BundleTrainingOptions) -> str:
    """Runs `train bundle`.

    Raises:
        UsageError: A stage is unknown.
    """
    n_devices = max(1, torch.cuda.device_count()) if options.device == "cuda" else 1
    stages = stages_of(options, n_devices=n_devices)
    names = [stage.name for stage in stages]
    for name in options.stages:
        if name not in names:
            raise UsageError(f"--stages: {name!r}, expected some of {', '.join(names)}")
    for stage in stages:
        if not options.stages or stage.name in options.stages:
            _run_stage(stage, device=options.device, n_devices=n_devices)
    return str(options.output)


def stages_of(options: BundleTrainingOptions, *, n_devices: int) -> tuple[Stage, ...]:
    """The stages in order.

    Args:
        options: What to make.
        n_devices: Parts that teachers label in.
    """
    return tuple(_Chain(options, n_devices).stages())


def _run_stage(stage: Stage, *, device: str, n_devices: int) -> None:
    jobs = [job for job in stage.jobs if not job.product.exists()]
    if not jobs:
        _LOGGER.info("%s: there already", stage.name)
        return
    _LOGGER.info("%s: %d to do", stage.name, len(jobs))
    if device == "cpu" or n_devices == 1:
        for job in jobs:
            _call(job)
        return
    if stage.is_distributed:
        for job in jobs:
            port = _free_port()
            _in_processes([(job, _rank(rank, n_devices, port)) for rank in range(n_devices)])
        return
    of_device = [(job, _alone(index % n_devices)) for index, job in enumerate(jobs)]
    for first in range(0, len(jobs), n_devices):
        _in_processes(of_device[first : first + n_devices])


def _call(job: Job) -> None:
    message = import_module(f"mtag_core.training.{job.module}").run(job.options)
    _LOGGER.info("%s", message)


def _in_processes(jobs: Sequence[tuple[Job, dict[str, str]]]) -> None:
    # A process that uses CUDA must not be forked.
    with ProcessPoolExecutor(len(jobs), mp_context=get_context("spawn")) as pool:
        for future in [pool.submit(_call_with, *each) for each in jobs]:
            future.result()


def _call_with(job: Job, environment: dict[str, str]) -> None:
    os.environ.update(environment)
    logging.basicConfig(level=logging.INFO)
    _call(job)


def _alone(device: int) -> dict[str, str]:
    return {"CUDA_VISIBLE_DEVICES": str(device)}


def _rank(rank: int, n_ranks: int, port: int) -> dict[str, str]:
    names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_PORT")
    values = map(str, (rank, rank, n_ranks, port))
    return {**dict(zip(names, values, strict=True)), "MASTER_ADDR": "127.0.0.1"}


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


class _Chain:
    """The options of each stage; each reads what the ones before it leave."""

    def __init__(self, options: BundleTrainingOptions, n_shards: int) -> None:
        self._options, self._n_shards = options, n_shards
        self._work = options.working

    def stages(self) -> Iterator[Stage]:
        """All of them."""
        options, work = self._options, self._work
        yield self._before_teachers("corpus", "data.corpus", self._corpus(), "inventories.json")
        last = "forms.npz" if options.architecture == "words" else "tokenizer.json"
        yield self._before_teachers("text", "data.text", self._text(), last)
        teachers = [self._teacher(number) for number in range(1, options.n_teachers + 1)]
        jobs = [Job("recipes.teacher", each, each.output / _WEIGHTS) for each in teachers]
        yield Stage("teachers", tuple(jobs))
        labels = [self._labels(shard) for shard in range(self._n_shards)]
        jobs = [
            Job("recipes.labelling", each, each.output / f"shard-{each.shard}/sources.json")
            for each in labels
        ]
        yield Stage("labels", tuple(jobs))
        student = self._student()
        finetuned = replace(
            student,
            student=student.output,
            output=work / "finetuned",
            label_share=0.7,
            text_rate=0.05,
            schedule=self._schedule(
                options.finetune_minutes, 12.0, 4e-4, seed=options.seed, warmup=0.1
            ),
        )
        for name, distilled in (("student", student), ("finetune", finetuned)):
            job = Job("recipes.distillation", distilled, distilled.output / _WEIGHTS)
            yield Stage(name, (job,), is_distributed=True)
        mean = AverageOptions(first=student.output, second=finetuned.output, output=work / "mean")
        yield Stage("mean", (Job("networks.model_mean", mean, mean.output / _WEIGHTS),))
        adapters = AdapterOptions(
            model=mean.output, corpus=work / "corpus", text=work / "text", output=work / "final"
        )
        yield Stage("adapters", (Job("recipes.adapters", adapters, adapters.output / _WEIGHTS),))
        export = ExportOptions(
            model=adapters.output,
            treebanks=options.treebanks,
            output=options.output,
            segmenters=options.segmenters,
            langid=options.langid,
            n_workers=options.n_processes,
        )
        yield Stage("export", (Job("export.bundle", export, options.output / "bundle.json"),))

    @staticmethod
    def _before_teachers(
        name: str, module: str, options: CorpusOptions | TextOptions, product: str
    ) -> Stage:
        return Stage(name, (Job(module, options, options.output / product),))

    def _corpus(self) -> CorpusOptions:
        options = self._options
        return CorpusOptions(
            treebanks=options.treebanks,
            output=self._work / "corpus",
            train_on_dev=options.train_on_dev,
            licences=options.licences,
        )

    def _text(self) -> TextOptions:
        options = self._options
        factor = _PIECES_OF_MINIBERT if options.architecture == "minibert" else 1
        return TextOptions(
            corpus=self._work / "corpus",
            text=options.text,
            encoder=options.encoder,
            output=self._work / "text",
            segmenters=options.segmenters,
            architecture=options.architecture,
            n_pieces=factor * options.n_pieces,
            max_tokens=options.max_tokens,
            max_pieces=options.max_pieces,
            n_processes=options.n_processes,
        )

    def _teacher(self, number: int) -> TeacherTrainingOptions:
        options = self._options
        return TeacherTrainingOptions(
            encoder=str(options.encoder),
            corpus=self._work / "corpus",
            output=self._work / f"teacher-{number}",
            resume=True,
            piece_dropout=0.05,
            unknown_treebank=0.25,
            piece_budget=options.budget,
            max_pieces=options.max_pieces,
            n_processes=options.n_processes,
            schedule=self._schedule(options.teacher_minutes, 60.0, 4e-4, seed=number),
        )

    def _labels(self, shard: int) -> LabelOptions:
        numbers = range(1, self._options.n_teachers + 1)
        return LabelOptions(
            teachers=tuple(self._work / f"teacher-{number}" for number in numbers),
            text=self._work / "text",
            output=self._work / "labels",
            shard=shard,
            n_shards=self._n_shards,
            max_pieces=self._options.max_pieces,
        )

    def _student(self) -> DistillOptions:
        options = self._options
        return DistillOptions(
            corpus=self._work / "corpus",
            labelled=self._work / "labels",
            text=self._work / "text",
            output=self._work / "student",
            resume=True,
            shape=StudentShape(
                architecture=options.architecture,
                hidden_size=options.hidden_size,
                n_layers=options.n_layers,
            ),
            budget=options.budget,
            max_pieces=options.max_pieces,
            n_processes=options.n_processes,
            schedule=self._schedule(
                options.student_minutes, 200.0, 2e-3, seed=options.seed, warmup=0.04
            ),
        )

    def _schedule(
        self, minutes: float, epochs: float, rate: float, *, seed: int, warmup: float = 0.06
    ) -> Schedule:
        epochs = self._options.epochs or epochs
        return Schedule(
            epochs=epochs, minutes=minutes, peak_rate=rate, seed=seed, warmup_share=warmup
        )
