"""`pipelines.annotate` with a tagger that the form "abort" kills, as a program of its own."""

from pipelines.annotate import main
from pipelines.process import exit_program
from pipelines.transforms.steps import Model
from tests.fake_tagger import load_aborting_tagger

if __name__ == "__main__":
    exit_program(main(model=Model(load_aborting_tagger, "aborting")))
