"""`pipelines.annotate` with a fake tagger that takes its time, so that tests can interfere.

usage: python -m tests.deploy.annotate_slow --input ... --output ...
"""

import sys
import time

from pipelines.annotate import main
from pipelines.transforms.steps import Model
from tests.fake_tagger import FakeTagger


class SlowTagger(FakeTagger):
    """Waits before each batch."""

    def tag_encoded(self, sentences):
        time.sleep(0.5)
        return super().tag_encoded(sentences)


def load_slow_tagger():
    return SlowTagger()


if __name__ == "__main__":
    sys.exit(main(model=Model(load_slow_tagger, "fake")))
