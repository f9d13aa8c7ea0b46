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
    stages = list(Chain(options, n_devices).stages())
    names = [stage.name for stage in stages]
    for name in options.stages:
        if name not in names:
            raise UsageError(f"--stages: {name!r}, expected some of {', '.join(names)}")
    chosen = [stage for stage in stages if not options.stages or stage.name in options.stages]
    jobs = [(stage, job) for stage in chosen for job in stage.jobs]
    to_do = [each for each in jobs if not (each[1].options.output / each[1].product).exists()]
    if options.device == "cpu":
        for stage, job in to_do:
            _LOGGER.info("stage %s", stage.name)
            _call(job)
    elif to_do:
        _run_side_by_side(to_do, n_devices)
    # That of a MiniBERT is a model directory: bundles are of students of words.
    return str(stages[-1].jobs[-1].options.output)


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
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address, port = free.getsockname()
    together = {"WORLD_SIZE": len(devices), "MASTER_ADDR": address, "MASTER_PORT": port}
    return [
        {name: str(value) for name, value in {**together, "RANK": n, "LOCAL_RANK": n}.items()}
        for n in sorted(devices)
    ]


def _call_with(job: Job, environment: dict[str, str]) -> None:
    os.environ.update(environment)
    logging.basicConfig(level=logging.INFO)
    _call(job)


class Chain:
    """The options of each stage; teachers label in `n_shards` parts."""

    def __init__(self, options: BundleTrainingOptions, n_shards: int) -> None:
        self._options, self._n_shards = options, n_shards
        self._work = options.work or options.output.with_name(f"{options.output.name}.work")
        self._corpus, self._text = self._work / "corpus", self._work / "text"
        self._segmenters = options.segmenters or self._work / "segmenters"
        numbers = range(1, options.n_teachers + 1)
        self._teachers = tuple(self._work / f"teacher-{number}" for number in numbers)

    def stages(self) -> Iterator[Stage]:
        """Each behind those that it needs."""
        yield from self._of_files()
        yield from self._of_teachers()
        yield from self._of_students()
        if self._options.architecture == "words":
            yield from self._of_bundle()

    def _of_files(self) -> Iterator[Stage]:
        given = self._given("treebanks", "train_on_dev", "licences")
        corpus = CorpusOptions(output=self._corpus, **given)
        yield Stage("corpus", (), (Job("data.corpus", corpus, "inventories.json"),))
        if self._options.segmenters is None:
            given = self._given("treebanks", "text", "labelled", "licences")
            segmenters = TrainSegmentersOptions(output=self._segmenters, **given)
            job = Job("segmenters.training", segmenters, WORDS_NAME)
            yield Stage("segmenters", (), (job,))

    def _of_teachers(self) -> Iterator[Stage]:
        jobs = [Job("recipes.label_training", each, _WEIGHTS) for each in self._teacher_options()]
        yield Stage("teachers", ("corpus",), tuple(jobs), "gpu")
        has_words = self._options.architecture == "words"
        text = TextOptions(
            corpus=self._corpus,
            output=self._text,
            segmenters=self._segmenters,
            n_pieces=self._options.n_pieces * (1 if has_words else _PIECES_OF_MINIBERT),
            **self._given("text", "encoder", "architecture", "max_tokens"),
            **self._given("max_pieces", "n_processes"),
        )
        last = "forms.npz" if has_words else "tokenizer.json"
        yield Stage("text", ("corpus", "segmenters"), (Job("data.text", text, last),))
        labels = LabelOptions(
            teachers=self._teachers,
            text=self._text,
            output=self._work / "labels",
            n_shards=self._n_shards,
            **self._given("max_pieces", "seed"),
        )
        shards = range(self._n_shards)
        jobs = [
            Job("recipes.labelling", replace(labels, shard=n), f"shard-{n}/sources.json")
            for n in shards
        ]
        yield Stage("labels", ("teachers", "text"), tuple(jobs), "gpu")

    def _teacher_options(self) -> Iterator[TeacherTrainingOptions]:
        options = self._options
        schedule = Schedule(epochs=60.0, peak_rate=4e-4)
        for number, output in enumerate(self._teachers, 1):
            yield TeacherTrainingOptions(
                encoder=str(options.encoder),
                corpus=self._corpus,
                output=output,
                resume=True,
                piece_dropout=0.05,
                unknown_treebank=0.25,
                piece_budget=options.budget,
                schedule=self._schedule(schedule, options.teacher_minutes, seed=number),
                **self._given("max_pieces", "n_processes"),
            )

    def _of_students(self) -> Iterator[Stage]:
        options, work = self._options, self._work
        shared: dict[str, Any] = {
            **{"corpus": self._corpus, "labelled": work / "labels", "text": self._text},
            "resume": True,
            "shape": StudentShape(**self._given("architecture", "hidden_size", "n_layers")),
            **self._given("budget", "max_pieces", "n_processes"),
        }
        schedule = self._schedule(DISTILLING, options.student_minutes, seed=options.seed)
        student = DistillOptions(**shared, output=work / "student", schedule=schedule)
        schedule = self._schedule(FINETUNING, options.finetune_minutes, seed=options.seed)
        finetuned = FinetuneOptions(
            **shared, student=student.output, output=work / "finetuned", schedule=schedule
        )
        mean = AverageOptions(first=student.output, second=finetuned.output, output=work / "mean")
        stages: tuple[tuple[str, str, str, Any, Needs], ...] = (
            ("student", "labels", "recipes.distillation", student, "all gpus"),
            ("finetune", "student", "recipes.distillation", finetuned, "all gpus"),
            ("mean", "finetune", "networks.trained_model", mean, "cpus"),
        )
        for name, before, module, own, needs in stages:
            yield Stage(name, (before,), (Job(module, own, _WEIGHTS),), needs)

    def _of_bundle(self) -> Iterator[Stage]:
        options, work = self._options, self._work
        adapters = AdapterOptions(
            model=work / "mean", corpus=self._corpus, text=self._text, output=work / "final"
        )
        job = Job("recipes.adapters", adapters, _WEIGHTS)
        yield Stage("adapters", ("mean",), (job,), "gpu")
        if options.langid is None:
            langid = LangidOptions(text=options.text, output=work / "langid")
            yield Stage("langid", (), (Job("langid", langid, "scores.json"),))
        export = ExportOptions(
            model=work / "final",
            segmenters=self._segmenters,
            langid=options.langid or work / "langid" / "langid.ftz",
            n_workers=options.n_processes,
            **self._given("treebanks", "licences", "output"),
        )
        yield Stage(
            "export", ("adapters", "langid"), (Job("export.bundle", export, "bundle.json"),)
        )

    def _given(self, *names: str) -> dict[str, Any]:
        return {name: getattr(self._options, name) for name in names}

    def _schedule(self, schedule: Schedule, minutes: float, *, seed: int) -> Schedule:
        epochs = self._options.epochs or schedule.epochs
        return replace(schedule, epochs=epochs, minutes=minutes, seed=seed)
