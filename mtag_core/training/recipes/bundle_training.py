"""From treebanks, text and an encoder to a bundle: the recipes of training, one after the other.

Each stage leaves its product in the working directory; a stage whose product is there is not run
again, so that a chain that stopped goes on where it was. With GPUs each job is a process, and what
does not need each other runs side by side: CPUs segment text while a teacher is trained on each
GPU; all GPUs train the student.
"""

import logging
import os
import socket
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
from importlib import import_module
from multiprocessing import get_context
from typing import Any, Literal

import torch

from mtag_core.errors import UsageError
from mtag_core.langid import WORDS_NAME
from mtag_core.training.options import (
    DISTILLING,
    FINETUNING,
    AdapterOptions,
    AverageOptions,
    BundleTrainingOptions,
    CorpusOptions,
    DistillOptions,
    ExportOptions,
    FinetuneOptions,
    LabelOptions,
    LangidOptions,
    Schedule,
    StudentShape,
    TeacherTrainingOptions,
    TextOptions,
)
from mtag_core.training.segmenter_options import TrainSegmentersOptions

_LOGGER = logging.getLogger(__name__)
_WEIGHTS = "model.safetensors"

Needs = Literal["cpus", "gpu", "all gpus"]
"""What a job works on: CPUs, one GPU where there are any, or all of them together."""

# A MiniBERT reads wordpieces in their letter case, and nothing else of a form.
_PIECES_OF_MINIBERT = 6


@dataclass(frozen=True)
class Job:
    """A call of a module's `run(options)`; `product` is in its output when it is done."""

    module: str
    options: Any
    product: str

    @property
    def is_done(self) -> bool:
        """Whether the product is there."""
        return (self.options.output / self.product).exists()


@dataclass(frozen=True)
class Stage:
    """Jobs that do not need each other, but the products of the stages in `after`."""

    name: str
    after: tuple[str, ...]
    jobs: tuple[Job, ...]
    needs: Needs = "cpus"


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
    chosen = [stage for stage in stages if not options.stages or stage.name in options.stages]
    to_do = [(stage, job) for stage in chosen for job in stage.jobs if not job.is_done]
    if options.device == "cpu":
        for stage, job in to_do:
            _LOGGER.info("stage %s", stage.name)
            _call(job)
    elif to_do:
        _run_side_by_side(to_do, n_devices)
    # That of a MiniBERT is a model directory: bundles are of students of words.
    return str(stages[-1].jobs[-1].options.output)


def stages_of(options: BundleTrainingOptions, *, n_devices: int) -> tuple[Stage, ...]:
    """The stages, each behind those that it needs; teachers label in `n_devices` parts."""
    return tuple(_Chain(options, n_devices).stages())


def _call(job: Job) -> None:
    message = import_module(f"mtag_core.training.{job.module}").run(job.options)
    _LOGGER.info("%s", message)


def _run_side_by_side(to_do: list[tuple[Stage, Job]], n_devices: int) -> None:
    free = set(range(n_devices))
    running: dict[Future[None], tuple[Stage, set[int]]] = {}
    n_processes = len(to_do) * n_devices
    # A process that uses CUDA must not be forked.
    with ProcessPoolExecutor(
        n_processes, mp_context=get_context("spawn"), max_tasks_per_child=1
    ) as pool:
        while to_do or running:
            waited_for = {stage.name for stage, _ in to_do} | {s.name for s, _ in running.values()}
            for stage, job in list(to_do):
                n_needed = {"cpus": 0, "gpu": 1, "all gpus": n_devices}[stage.needs]
                if waited_for.intersection(stage.after) or n_needed > len(free):
                    continue
                to_do.remove((stage, job))
                devices = set(sorted(free)[:n_needed])
                free -= devices
                _LOGGER.info("stage %s", stage.name)
                for environment in _environments(stage, devices):
                    running[pool.submit(_call_with, job, environment)] = (stage, devices)
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                free |= running.pop(future)[1]
                future.result()


def _environments(stage: Stage, devices: set[int]) -> list[dict[str, str]]:
    if stage.needs != "all gpus":
        return [{"CUDA_VISIBLE_DEVICES": ",".join(map(str, sorted(devices)))}]
    together = {"WORLD_SIZE": len(devices), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": _free_port()}
    return [
        {name: str(value) for name, value in {**together, "RANK": n, "LOCAL_RANK": n}.items()}
        for n in sorted(devices)
    ]


def _call_with(job: Job, environment: dict[str, str]) -> None:
    os.environ.update(environment)
    logging.basicConfig(level=logging.INFO)
    _call(job)


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
        self._segmenters = options.segmenters or self._work / "segmenters"

    def stages(self) -> Iterator[Stage]:
        """All of them."""
        options = self._options
        yield from self._of_files()
        numbers = range(1, options.n_teachers + 1)
        teachers = [
            Job("recipes.label_training", self._teacher(number), _WEIGHTS) for number in numbers
        ]
        yield Stage("teachers", ("corpus",), tuple(teachers), "gpu")
        last = "forms.npz" if options.architecture == "words" else "tokenizer.json"
        text = Job("data.text", self._text(), last)
        yield Stage("text", ("corpus", "segmenters"), (text,))
        labels = [
            Job("recipes.labelling", self._labels(shard), f"shard-{shard}/sources.json")
            for shard in range(self._n_shards)
        ]
        yield Stage("labels", ("teachers", "text"), tuple(labels), "gpu")
        yield from self._students()
        if options.architecture == "words":
            yield from self._bundle()

    def _of_files(self) -> Iterator[Stage]:
        options, work = self._options, self._work
        corpus = CorpusOptions(
            treebanks=options.treebanks,
            output=work / "corpus",
            train_on_dev=options.train_on_dev,
            licences=options.licences,
        )
        yield Stage("corpus", (), (Job("data.corpus", corpus, "inventories.json"),))
        if options.segmenters is None:
            segmenters = TrainSegmentersOptions(
                treebanks=options.treebanks,
                text=options.text,
                labelled=options.labelled,
                licences=options.licences,
                output=self._segmenters,
            )
            job = Job("segmenters.training", segmenters, WORDS_NAME)
            yield Stage("segmenters", (), (job,))

    def _text(self) -> TextOptions:
        options = self._options
        factor = _PIECES_OF_MINIBERT if options.architecture == "minibert" else 1
        return TextOptions(
            corpus=self._work / "corpus",
            text=options.text,
            encoder=options.encoder,
            output=self._work / "text",
            segmenters=self._segmenters,
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
            schedule=self._schedule(
                Schedule(epochs=60.0, peak_rate=4e-4), options.teacher_minutes, seed=number
            ),
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

    def _students(self) -> Iterator[Stage]:
        options, work = self._options, self._work
        shared: dict[str, Any] = {
            "corpus": work / "corpus",
            "labelled": work / "labels",
            "text": work / "text",
            "resume": True,
            "shape": StudentShape(
                architecture=options.architecture,
                hidden_size=options.hidden_size,
                n_layers=options.n_layers,
            ),
            "budget": options.budget,
            "max_pieces": options.max_pieces,
            "n_processes": options.n_processes,
        }
        student = DistillOptions(
            **shared,
            output=work / "student",
            schedule=self._schedule(DISTILLING, options.student_minutes, seed=options.seed),
        )
        finetuned = FinetuneOptions(
            **shared,
            student=student.output,
            output=work / "finetuned",
            schedule=self._schedule(FINETUNING, options.finetune_minutes, seed=options.seed),
        )
        mean = AverageOptions(first=student.output, second=finetuned.output, output=work / "mean")
        stages: tuple[tuple[str, str, str, Any, Needs], ...] = (
            ("student", "labels", "recipes.distillation", student, "all gpus"),
            ("finetune", "student", "recipes.distillation", finetuned, "all gpus"),
            ("mean", "finetune", "networks.model_mean", mean, "cpus"),
        )
        for name, before, module, own, needs in stages:
            yield Stage(name, (before,), (Job(module, own, _WEIGHTS),), needs)

    def _bundle(self) -> Iterator[Stage]:
        options, work = self._options, self._work
        adapters = AdapterOptions(
            model=work / "mean",
            corpus=work / "corpus",
            text=work / "text",
            output=work / "final",
        )
        job = Job("recipes.adapters", adapters, _WEIGHTS)
        yield Stage("adapters", ("mean",), (job,), "gpu")
        if options.langid is None:
            langid = LangidOptions(text=options.text, output=work / "langid")
            yield Stage("langid", (), (Job("langid", langid, "scores.json"),))
        export = ExportOptions(
            model=work / "final",
            treebanks=options.treebanks,
            licences=options.licences,
            output=options.output,
            segmenters=self._segmenters,
            langid=options.langid or work / "langid" / "langid.ftz",
            n_workers=options.n_processes,
        )
        job = Job("export.bundle", export, "bundle.json")
        yield Stage("export", ("adapters", "langid"), (job,))

    def _schedule(self, schedule: Schedule, minutes: float, *, seed: int) -> Schedule:
        epochs = self._options.epochs or schedule.epochs
        return replace(schedule, epochs=epochs, minutes=minutes, seed=seed)
