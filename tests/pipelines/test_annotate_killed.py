"""annotate killed with SIGKILL at any moment and run again ends as one clean run does."""

import random

import pytest

from tests.pipelines.killing import finished, kill_in_mid_run
from tests.pipelines.trees import ARGUMENTS, annotate, tree, write_corpus

_FLAGS = ("--document=line", "--item_bytes=12000")


@pytest.mark.parametrize("flags", [[], ["--direct_num_workers=2"]])
def test_killed_and_run_again_gives_the_tree_of_a_clean_run(tmp_path, flags):
    pattern = write_corpus(tmp_path / "in", n_files=24, n_lines=300)
    annotate(pattern, tmp_path / "clean", *_FLAGS)
    output = tmp_path / "out"
    command = ["tests.pipelines.annotate_fake", *ARGUMENTS, *_FLAGS, *flags]
    command += ["--input", pattern, "--output", str(output)]
    rng = random.Random(7)
    for _ in range(2):
        kill_in_mid_run(command, output, rng=rng)
    done = finished(output)
    assert annotate(pattern, output, *_FLAGS) == 0
    assert tree(output) == tree(tmp_path / "clean")
    assert {name: time for name, time in finished(output).items() if name in done} == done
