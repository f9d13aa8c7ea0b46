"""teacher_logits killed with SIGKILL at any moment and run again ends as one clean run does."""

import random
from pathlib import Path

from pipelines import teacher_logits
from tests.mtag_core.training.tiny_word_bundle import write_word_bundle
from tests.mtag_core.wikipedia.dumps import dump_xml, page_xml
from tests.pipelines.killing import finished, kill_in_mid_run
from tests.pipelines.trees import tree

_FLAGS = ("--top_k=8", "--tail_rank=8", "--item_bytes=4000", "--max_sentences_per_language=900")


def test_killed_and_run_again_gives_the_tree_of_a_clean_run(tmp_path: Path):
    pages = (
        page_xml(f"House {n} stands by the river. Nobody in village {n} knew of it.", page_id=n)
        for n in range(1, 601)
    )
    (tmp_path / "d.xml").write_bytes(dump_xml(*pages))
    teacher = write_word_bundle(tmp_path / "teacher")
    flags = ["--input", str(tmp_path / "d.xml"), "--teacher", str(teacher), *_FLAGS]
    assert teacher_logits.main([*flags, "--output", str(tmp_path / "clean")]) == 0
    output = tmp_path / "out"
    rng = random.Random(3)
    for _ in range(2):
        command = ["pipelines.teacher_logits", *flags, "--output", str(output)]
        kill_in_mid_run(command, output, rng=rng)
    done = finished(output)
    assert 0 < len(done) < len(finished(tmp_path / "clean"))
    assert teacher_logits.main([*flags, "--output", str(output)]) == 0
    assert tree(output) == tree(tmp_path / "clean")
    assert {name: time for name, time in finished(output).items() if name in done} == done
