import pytest

from mtag_core.training.data.other_letters import in_other_letters
from mtag_core.training.data.treebanks import LabelledSentence


def sentence(treebank: str, forms: str, lemmas: str) -> LabelledSentence:
    n = len(forms.split())
    return LabelledSentence(
        treebank, tuple(forms.split()), ("NOUN",) * n, ("_",) * n, "train", tuple(lemmas.split())
    )


@pytest.mark.parametrize(
    ("treebank", "forms", "lemmas", "changed_forms", "changed_lemmas"),
    [
        ("ar_padt", "أكل إلى الآن", "أكل إلى آن", "اكل الى الان", "أكل إلى آن"),
        ("de_gsd", "große Straßen", "groß Straße", "grosse Strassen", "gross Strasse"),
    ],
)
def test_copies(treebank, forms, lemmas, changed_forms, changed_lemmas):
    own = sentence(treebank, forms, lemmas)
    assert list(in_other_letters([own])) == [sentence(treebank, changed_forms, changed_lemmas)]


@pytest.mark.parametrize(
    ("treebank", "forms"),
    [("zh_gsd", "這個 國家"), ("de_gsd", "ein Haus"), ("fr_gsd", "straße"), ("lzh_kyoto", "國 之")],
)
def test_no_copies_of_what_reads_alike(treebank, forms):
    assert list(in_other_letters([sentence(treebank, forms, forms)])) == []
