import pickle

import pytest

from mtag_core.errors import UsageError
from mtag_core.tagging.arguments import TaggerOptions
from mtag_core.tagging.bundle import DEFAULT_BUNDLE, Bundle
from pipelines.transforms.steps import bundle_model


@pytest.fixture
def bundle() -> str:
    return str(DEFAULT_BUNDLE)


@pytest.mark.parametrize(
    "options",
    [
        TaggerOptions(),
        TaggerOptions(treebank_style=("fr_sequoia", "pl_sz")),
        TaggerOptions(language="French"),
        TaggerOptions(languages=("de", "fr"), untrained="skip"),
    ],
)
def test_the_digest_is_the_one_that_workers_will_find(bundle, options):
    model = bundle_model(bundle, 100, options)
    tagger = pickle.loads(pickle.dumps(model.load))()
    assert tagger.digest == model.digest
    assert tagger.piece_budget == 100


def test_without_styles_the_digest_is_the_bundles(bundle):
    assert bundle_model(bundle, None).digest == Bundle.open(bundle).digest


def test_styles_are_checked_before_the_model_is_loaded(bundle):
    with pytest.raises(UsageError, match="'pl_x': no treebank of the model"):
        bundle_model(bundle, None, TaggerOptions(treebank_style=("pl_x",)))
