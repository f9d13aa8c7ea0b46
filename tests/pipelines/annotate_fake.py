"""`pipelines.annotate` with the fake tagger, as a program of its own: tests kill it.

usage: python -m tests.pipelines.annotate_fake --input ... --output ...
"""

from pipelines.annotate import main
from pipelines.process import exit_program
from pipelines.transforms.steps import Model
from tests.fake_tagger import load_failing_tagger

if __name__ == "__main__":
    exit_program(main(model=Model(load_failing_tagger, "fake")))
