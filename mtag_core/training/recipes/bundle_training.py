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
    AverageOptions,
    ConventionsOptions,
    DistillOptions,
    EncodeTextOptions,
    ExportOptions,
    Schedule,
    StudentShape,
    TargetOptions,
    TeacherTrainingOptions,
    VocabularyOptions,
)
from mtag_core.training.word_options import (
    BundleTrainingOptions,
    WordAdapterOptions,
    WordCorpusOptions,
    WordDistillOptions,
    WordTargetOptions,
    WordTextOptions,
)

_LOGGER = logging.getLogger(__name__)
_WEIGHTS = "model.safetensors"


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
    chain = _Words(options, n_devices) if options.architecture == "words" else _MiniBert(options)
    return (*chain.stages(), _export(options))


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


def _export(options: BundleTrainingOptions) -> Stage:
    export = ExportOptions(
        model=options.working / "final",
        treebanks=options.treebanks,
        output=options.output,
        segmenters=options.segmenters,
        langid=options.langid,
        n_workers=options.n_processes,
    )
    return Stage("export", (Job("export.bundle", export, options.output / "bundle.json"),))


class _Chain:
    """What both architectures have: corpus, text and teachers."""

    def __init__(self, options: BundleTrainingOptions) -> None:
        self.options = options
        self.work = options.working

    def stages(self) -> Iterator[Stage]:
        """The stages before `export`; the last one leaves `final`."""
        options, work = self.options, self.work
        corpus = WordCorpusOptions(
            treebanks=options.treebanks,
            output=work / "corpus",
            train_on_dev=options.train_on_dev,
            licences=options.licences,
        )
        yield self._stage("corpus", "data.word_corpus", corpus, "inventories.json")
        text = WordTextOptions(
            corpus=corpus.output,
            text=options.text,
            encoder=options.encoder,
            output=work / "text",
            segmenters=options.segmenters,
            n_pieces=options.n_pieces,
            max_tokens=options.max_tokens,
            max_pieces=options.max_pieces,
            n_processes=options.n_processes,
        )
        yield self._stage("text", "data.word_text", text, "forms.npz")
        jobs = [self._teacher(number) for number in range(1, options.n_teachers + 1)]
        yield Stage("teachers", tuple(jobs))

    @property
    def teachers(self) -> tuple[Path, ...]:
        """Directories of the teachers."""
        return tuple(self.work / f"teacher-{n}" for n in range(1, self.options.n_teachers + 1))

    def _teacher(self, number: int) -> Job:
        options = self.options
        teacher = TeacherTrainingOptions(
            encoder=str(options.encoder),
            corpus=self.work / "corpus",
            output=self.work / f"teacher-{number}",
            resume=True,
            piece_dropout=0.05,
            unknown_treebank=0.25,
            piece_budget=options.budget,
            max_pieces=options.max_pieces,
            n_processes=options.n_processes,
            schedule=self._schedule(options.teacher_minutes, 60.0, 4e-4, seed=number),
        )
        return Job("recipes.teacher", teacher, teacher.output / _WEIGHTS)

    def _schedule(
        self, minutes: float, epochs: float, rate: float, *, seed: int, warmup: float = 0.06
    ) -> Schedule:
        epochs = self.options.epochs or epochs
        return Schedule(
            epochs=epochs, minutes=minutes, peak_rate=rate, seed=seed, warmup_share=warmup
        )

    def _stage(
        self,
        name: str,
        module: str,
        options: object,
        product: str,
        *,
        is_distributed: bool = False,
    ) -> Stage:
        output: Path = vars(options)["output"]
        return Stage(name, (Job(module, options, output / product),), is_distributed)


class _Words(_Chain):
    """The word student."""

    def __init__(self, options: BundleTrainingOptions, n_shards: int) -> None:
        super().__init__(options)
        self._n_shards = n_shards

    def stages(self) -> Iterator[Stage]:
        """See `_Chain`."""
        yield from super().stages()
        work = self.work
        yield Stage("labels", tuple(self._labels(shard) for shard in range(self._n_shards)))
        module = "recipes.word_distillation"
        student = self._student()
        yield self._stage("student", module, student, _WEIGHTS, is_distributed=True)
        finetuned = replace(
            student,
            student=student.output,
            output=work / "finetuned",
            label_share=0.7,
            text_rate=0.05,
            schedule=self._schedule(
                self.options.finetune_minutes, 12.0, 4e-4, seed=self.options.seed, warmup=0.1
            ),
        )
        yield self._stage("finetune", module, finetuned, _WEIGHTS, is_distributed=True)
        mean = AverageOptions(first=student.output, second=finetuned.output, output=work / "mean")
        yield self._stage("mean", "networks.model_mean", mean, _WEIGHTS)
        adapters = WordAdapterOptions(
            model=mean.output, corpus=work / "corpus", forms=student.forms, output=work / "final"
        )
        yield self._stage("adapters", "recipes.word_adapters", adapters, _WEIGHTS)

    def _labels(self, shard: int) -> Job:
        labels = WordTargetOptions(
            teachers=self.teachers,
            text=self.work / "text",
            output=self.work / "labels",
            shard=shard,
            n_shards=self._n_shards,
            max_pieces=self.options.max_pieces,
        )
        return Job("recipes.word_targets", labels, labels.output / f"shard-{shard}/sources.json")

    def _student(self) -> WordDistillOptions:
        options, text = self.options, self.work / "text"
        return WordDistillOptions(
            corpus=self.work / "corpus",
            labelled=self.work / "labels",
            forms=text / "forms.npz",
            tokenizer=text / "tokenizer.json",
            output=self.work / "student",
            resume=True,
            hidden_size=options.hidden_size,
            n_layers=options.n_layers,
            token_budget=options.budget,
            schedule=self._schedule(
                options.student_minutes, 200.0, 2e-3, seed=options.seed, warmup=0.04
            ),
        )


class _MiniBert(_Chain):
    """The student of the paper: layers over wordpieces, no lemmas."""

    def stages(self) -> Iterator[Stage]:
        """See `_Chain`."""
        yield from super().stages()
        options, work = self.options, self.work
        tokens = work / "text" / "tokens"
        vocabulary = VocabularyOptions(
            text=tokens,
            treebanks=options.treebanks,
            n_pieces=6 * options.n_pieces,
            output=work / "minibert.json",
        )
        job = Job("data.vocabulary", vocabulary, vocabulary.output)
        yield Stage("vocabulary", (job,))
        encoding = EncodeTextOptions(
            text=tokens,
            student_tokenizer=vocabulary.output,
            teacher_tokenizer=options.encoder / "tokenizer.json",
            output=work / "encoded",
            max_pieces=options.max_pieces,
            n_processes=options.n_processes,
        )
        yield self._stage("encode", "data.texts", encoding, "teacher.npz")
        student = DistillOptions(
            teachers=self.teachers,
            text=encoding.output,
            treebanks=options.treebanks,
            tokenizer=vocabulary.output,
            output=work / "final",
            resume=True,
            shape=StudentShape(hidden_size=options.hidden_size, n_layers=options.n_layers),
            targets=TargetOptions(upos_temperature=2.0, feats_temperature=2.0),
            train_on_dev=options.train_on_dev,
            infer_text_treebank=True,
            substitution_share=0.3,
            piece_dropout=0.03,
            dropout=0.05,
            share_feats=True,
            treebank_rate=1.0,
            piece_budget=options.budget,
            max_pieces=options.max_pieces,
            n_processes=options.n_processes,
            schedule=self._schedule(options.student_minutes, 200.0, 2e-3, seed=options.seed),
        )
        module = "recipes.distillation"
        yield self._stage("student", module, student, _WEIGHTS, is_distributed=True)
        styles = ConventionsOptions(model=student.output, treebanks=options.treebanks)
        product = student.output / "conventions.safetensors"
        yield Stage("adapters", (Job("recipes.conventions", styles, product),))
