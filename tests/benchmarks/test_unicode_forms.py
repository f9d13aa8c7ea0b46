import pytest

from benchmarks.unicode_forms import FORMS, shares
from mtag_core.tagging.tagger import Tagger
from tests.source_tree import ROOT


@pytest.fixture(scope="module")
def form_to_shares():
    return shares(Tagger.load(), sorted((ROOT / "sample_data" / "text").glob("*.txt")))


@pytest.mark.parametrize("form", sorted(FORMS))
def test_text_in_another_form_keeps_its_parts_of_speech(form_to_shares, form):
    language_to_share = dict(form_to_shares[form])
    assert language_to_share.pop("mean") >= 97
    assert language_to_share
    assert min(language_to_share.values()) >= 94
