import bz2
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from mtag_core.records import Sentence
from mtag_core.storage import exclusive
from mtag_core.tagging.bundle import DEFAULT_BUNDLE, write_manifest
from mtag_core.tagging.windows import EncodedSentence
from mtag_core.training.logits.logit_shards import LogitBlock, read_info
from mtag_core.training.logits.logit_teachers import BundleTeacher
from mtag_core.training.logits.soft_targets import TailBasis, rebuild_feats_probs, unpack
from pipelines import teacher_logits
from tests.mtag_core.training.logit_samples import read_blocks
from tests.mtag_core.training.tiny_word_bundle import write_word_bundle
from tests.mtag_core.training.tiny_word_model import N_FEATS
from tests.mtag_core.wikipedia.dumps import HEAD, TAIL, dump_xml, page_xml
from tests.pipelines.trees import tree
from tests.without_packages import run_without

ENGLISH = (
    "The old bridge over the river was closed in spring. Nobody in the village knew the reason "
    "for it. The children walked to school along the other bank."
)
GERMAN = (
    "Die alte Brücke über den Fluss wurde im Frühling geschlossen. Niemand im Dorf kannte den "
    "Grund dafür. Die Kinder gingen am anderen Ufer entlang zur Schule."
)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_word_bundle(tmp_path_factory.mktemp("teacher") / "bundle")


@pytest.fixture
def dumps(tmp_path: Path) -> Path:
    folder = tmp_path / "dumps"
    folder.mkdir()
    first = dump_xml(
        page_xml(f"'''A''' page.{{{{cite}}}}\n\n{ENGLISH}", page_id=1),
        page_xml("#REDIRECT [[A]]", page_id=2, redirect="A"),
        page_xml(ENGLISH, page_id=3),
    )
    (folder / "a.xml.bz2").write_bytes(bz2.compress(first))
    streams = [HEAD, page_xml(GERMAN, page_id=4) + page_xml("{{a|" * 500, page_id=5), TAIL]
    multistream = b"".join(bz2.compress(part.encode()) for part in streams)
    (folder / "b-multistream.xml.bz2").write_bytes(multistream)
    return folder


def run(dumps: Path, teacher: Path, output: Path, *flags: str) -> int:
    return teacher_logits.main(
        ["--input", str(dumps), "--teacher", str(teacher), "--output", str(output),
         "--input_format=mediawiki", "--top_k=8", "--temperatures=1,3", "--tail_rank=8", *flags]
    )  # fmt: skip


def blocks(output: Path) -> list[LogitBlock]:
    found: list[LogitBlock] = []
    for path in sorted((output / "parts").iterdir()):
        with path.open("rb") as stream:
            found.extend(read_blocks(str(path), stream))
    return found


def texts(output: Path) -> list[str]:
    return [" ".join(forms) for block in blocks(output) for forms in block.forms]


def test_dumps_become_shards(dumps: Path, teacher: Path, tmp_path: Path):
    output = tmp_path / "out"
    assert run(dumps, teacher, output) == 0
    report = json.loads((output / "run.json").read_text())
    assert report["counts"]["documents"] == 4
    assert report["rejects_by_reason"] == {"invalid_wikitext": 1}
    assert report["pages_by_outcome"] == {
        "kept": 3, "redirect": 1, "other_namespace": 0, "empty": 0, "rejected": 1
    }  # fmt: skip
    assert {code for block in blocks(output) for code in block.languages} == {"en", "de"}
    assert sum("alte Brücke" in text for text in texts(output)) == 1
    assert sum("The old bridge" in text for text in texts(output)) == 1
    part = next((output / "parts").iterdir())
    with part.open("rb") as stream:
        info = read_info(str(part), stream)
    assert (info.top_k, info.temperatures) == (8, (1.0, 3.0))
    assert not list((output / "survey").glob("*"))
    basis = unpack(TailBasis, (output / "tail_basis.npz").read_bytes(), source="b")
    assert (info.tail_basis, info.tail_rank) == (basis.digest, basis.rank)
    probs = rebuild_feats_probs(
        blocks(output)[0].feats_summary, n_labels=N_FEATS, temperature=1.0,
        temperatures=info.temperatures, basis=basis,
    )  # fmt: skip
    assert np.allclose(probs.sum(1), 1, atol=1e-3)


def test_same_run_gives_the_same_bytes_on_one_and_two_workers(
    dumps: Path, teacher: Path, tmp_path: Path
):
    assert run(dumps, teacher, tmp_path / "one") == 0
    assert run(dumps, teacher, tmp_path / "two", "--direct_num_workers=2") == 0
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_second_run_does_nothing_again(
    dumps: Path, teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert run(dumps, teacher, tmp_path / "out") == 0
    before = tree(tmp_path / "out")

    def fail(*_: object) -> None:
        raise AssertionError("a finished part was made again")

    monkeypatch.setattr(teacher_logits, "load_scorer", fail)
    assert run(dumps, teacher, tmp_path / "out") == 0
    assert tree(tmp_path / "out") == before


def test_part_without_manifest_is_made_again_with_the_same_bytes(
    dumps: Path, teacher: Path, tmp_path: Path
):
    assert run(dumps, teacher, tmp_path / "out") == 0
    before = tree(tmp_path / "out")
    # Where small files part into packs depends on their paths.
    next((tmp_path / "out" / "manifests").iterdir()).unlink()
    (tmp_path / "out" / "run.json").unlink()
    assert run(dumps, teacher, tmp_path / "out") == 0
    assert tree(tmp_path / "out") == before


def test_run_with_new_input_equals_a_clean_one(dumps: Path, teacher: Path, tmp_path: Path):
    late = (dumps / "b-multistream.xml.bz2").read_bytes()
    (dumps / "b-multistream.xml.bz2").unlink()
    # Without a tail: its basis would be fitted on the first run's input alone.
    assert run(dumps, teacher, tmp_path / "out", "--tail_rank=0") == 0
    (dumps / "b-multistream.xml.bz2").write_bytes(late)
    assert run(dumps, teacher, tmp_path / "out", "--tail_rank=0") == 0
    assert run(dumps, teacher, tmp_path / "clean", "--tail_rank=0") == 0
    assert tree(tmp_path / "out") == tree(tmp_path / "clean")


@pytest.mark.parametrize(
    ("flags", "n_sentences"),
    [
        (["--languages", "German"], 3),
        (["--languages", "fr"], 0),
        (["--max_sentences_per_language=1"], 2),
        (["--min_tokens=99", "--languages", "de"], 0),
        (["--no-deduplicate", "--languages", "en"], 7),
    ],
)
def test_sentences_are_chosen_by_flags(
    dumps: Path, teacher: Path, tmp_path: Path, flags: list[str], n_sentences: int,
    capsys: pytest.CaptureFixture[str],
):  # fmt: skip
    assert run(dumps, teacher, tmp_path / "out", *flags) == (0 if n_sentences else 1)
    message = "nothing was scored: 4 documents read, 1 rejected; the output is complete, and empty"
    hint = "  no sentence was kept: see --languages, --min_tokens and --max_tokens"
    printed = capsys.readouterr().err
    assert (f"{message}\n{hint}\n" in printed) == (n_sentences == 0)
    kept = texts(tmp_path / "out")
    assert len(kept) == n_sentences or "--no-deduplicate" in flags
    assert len(set(kept)) < len(kept) or "--no-deduplicate" not in flags


def test_plain_text_is_read_too(teacher: Path, tmp_path: Path):
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "text.txt").write_text(GERMAN)
    assert run(tmp_path / "t", teacher, tmp_path / "out", "--input_format=text") == 0
    assert len(texts(tmp_path / "out")) == 3


def test_without_a_choice_among_sentences_the_text_is_read_once(
    dumps: Path, teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    every = tmp_path / "every"
    assert run(dumps, teacher, every, "--max_sentences_per_language=99", "--no-deduplicate") == 0

    def fail(*_: object) -> None:
        raise AssertionError("the text was surveyed")

    monkeypatch.setattr(teacher_logits, "SurveyParts", fail)
    once = tmp_path / "once"
    assert run(dumps, teacher, once, "--no-deduplicate", "--tail_rank=8") == 0
    assert sorted(texts(once)) == sorted(texts(every))


@pytest.mark.parametrize("flags", [[], ["--no-deduplicate"]])
def test_a_document_that_cannot_be_scored_is_rejected_whole(
    teacher: Path, tmp_path: Path, flags: list[str], monkeypatch: pytest.MonkeyPatch
):
    def encode(self: BundleTeacher, sentence: Sentence) -> EncodedSentence:
        if "Niemand" in sentence.forms:
            # No window: nothing to take the logits from.
            return EncodedSentence(sentence, [])
        return real(self, sentence)

    real = BundleTeacher.encode
    monkeypatch.setattr(BundleTeacher, "encode", encode)
    (tmp_path / "t.txt").write_text(f"{ENGLISH}\n{GERMAN}\n{ENGLISH.upper()}\n")
    out = tmp_path / "out"
    flags = [*flags, "--input_format=text", "--document=line", "--tail_rank=0"]
    assert run(tmp_path / "t.txt", teacher, out, *flags) == 0
    assert not any("Brücke" in text for text in texts(out))
    assert sum("old bridge" in text.lower() for text in texts(out)) == 2
    (line,) = next((out / "rejects").iterdir()).read_text().splitlines()
    assert json.loads(line)["step"] == "score"


def test_summary_shows_what_a_row_holds(
    dumps: Path, teacher: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(dumps, teacher, tmp_path / "out") == 0
    printed = capsys.readouterr().out
    assert "Scored" in printed and "Tagged" not in printed
    assert re.search(r"^ +bridge +[A-Z]+ 0\.\d\d +F=V\d+ 0\.\d\d", printed, re.MULTILINE)


def test_the_shipped_bundle_scores_without_torch_and_onnx(tmp_path: Path):
    (tmp_path / "t.txt").write_text(GERMAN)
    flags = [f"--input={tmp_path}/t.txt", f"--output={tmp_path}/out", "--tail_rank=0"]
    packages = ["torch", "transformers", "onnx", "safetensors"]
    done = run_without(packages, "pipelines.teacher_logits", *flags)
    assert done.returncode == 0, done.stderr
    assert len(texts(tmp_path / "out")) == 3
    assert re.search(r"Die +DET \d", done.stdout)


@pytest.mark.parametrize("flags", [[], ["--no-deduplicate"]])
def test_sentences_of_conllu_without_a_language_are_chosen_by_the_one_they_are_in(
    teacher: Path, tmp_path: Path, flags: list[str]
):
    forms = "Die alte Brücke über den Fluss wurde im Frühling geschlossen .".split()
    rows = (f"{n}\t{form}" + "\t_" * 8 for n, form in enumerate(forms, 1))
    (tmp_path / "s.conllu").write_text("\n".join(rows) + "\n\n")
    flags = [*flags, "--input_format=conllu", "--languages", "de"]
    assert run(tmp_path / "s.conllu", teacher, tmp_path / "out", *flags) == 0
    assert texts(tmp_path / "out") == [" ".join(forms)]


def test_a_device_that_changes_nothing_is_named(
    dumps: Path, teacher: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(dumps, teacher, tmp_path / "out", "--dry_run", "--device=cuda") == 0
    printed = capsys.readouterr().err
    assert "--device=cuda changes nothing: ONNX Runtime runs this teacher" in printed


def test_dry_run_writes_nothing(dumps: Path, teacher: Path, tmp_path: Path):
    assert run(dumps, teacher, tmp_path / "out", "--dry_run") == 0
    assert not (tmp_path / "out").exists()


def test_other_options_in_the_same_folder_are_refused(
    dumps: Path, teacher: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(dumps, teacher, tmp_path / "out") == 0
    assert run(dumps, teacher, tmp_path / "out", "--min_tokens=5") == 2
    assert "min_tokens: 4, now 5" in capsys.readouterr().err
    assert run(dumps, teacher, tmp_path / "out", "--min_tokens=5", "--overwrite") == 0


def test_second_run_at_the_same_time_stops(
    dumps: Path, teacher: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    with exclusive(str(tmp_path / "out" / ".lock")):
        assert run(dumps, teacher, tmp_path / "out") == 1
    assert "another run writes there" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--temperatures=0"], "no list of numbers above 0"),
        (["--min_tokens=9", "--max_tokens=3"], "--min_tokens=9 is above --max_tokens=3"),
        (["--top_q=3"], "unknown flag --top_q"),
        (["--teacher", "nowhere"], "nowhere: neither a bundle's bundle.json"),
    ],
)
def test_wrong_flags_are_one_line(
    dumps: Path, teacher: Path, tmp_path: Path, flags: list[str], message: str,
    capsys: pytest.CaptureFixture[str],
):  # fmt: skip
    assert run(dumps, teacher, tmp_path / "out", *flags) in (1, 2)
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("teacher_logits: ") and message in line


def test_lost_basis_is_an_error(
    dumps: Path, teacher: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(dumps, teacher, tmp_path / "out") == 0
    (tmp_path / "out" / "tail_basis.npz").unlink()
    assert run(dumps, teacher, tmp_path / "out") == 1
    assert "is gone, but parts need it" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name", ["langid.ftz", "segmenters/he.splits.npz", "segmenters/ja.boundaries.npz"]
)
def test_shards_of_another_bundle_are_not_gone_on_with(
    dumps: Path, teacher: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
):
    bundle = tmp_path / "bundle"
    shutil.copytree(DEFAULT_BUNDLE, bundle)
    flags = ("--model", str(bundle))
    assert run(dumps, teacher, tmp_path / "out", *flags) == 0
    # A copy with a byte more behind it, which its reader does not mind.
    (bundle / name).write_bytes((bundle / name).read_bytes() + b"\0")
    write_manifest(bundle, scores={})
    assert run(dumps, teacher, tmp_path / "out", *flags) == 2
    assert "was made with other options (segmenters: " in capsys.readouterr().err
