from mtag_core.segmentation.splits import Script, SplitModel
from mtag_core.training.data.treebanks import Surface
from mtag_core.training.segmenters.splits import (
    CLOSED,
    COMPOUNDS,
    OPEN,
    learn_scripts,
    scripts_of,
    train_split_model,
)

_HABAIT = Surface("habait", ("ha", "bait"), True)
_DES = Surface("des", ("de", "les"), True)


def _whole(text):
    return [Surface(form, (form,), True) for form in text.split()]


def test_split_model_splits_prefixes(tmp_path):
    sentences = [[_HABAIT, *_whole("gadol")]] * 30
    train_split_model(sentences, [], ["bait gadol"] * 3, OPEN).save(tmp_path / "he.splits.npz")
    model = SplitModel.load(tmp_path / "he.splits.npz")
    assert model.split(["habait", "gadol"]) == [("ha", "bait"), ("gadol",)]


def test_split_model_learns_from_neighbours():
    sentences = [
        [*_whole("il parle"), _DES, *_whole("gens")],
        [*_whole("il mange des pommes")],
    ] * 30
    model = train_split_model(sentences, [], [], CLOSED)
    assert model.split("il parle des gens".split())[2] == ("de", "les")
    assert model.split("il mange des pommes".split())[2] == ("des",)


def test_training_again_gives_the_same_file(tmp_path):
    sentences = [[_HABAIT, *_whole("gadol")], [_DES, *_whole("gens des")]] * 20
    for name in "ab":
        train_split_model(sentences, [], ["bait bait"], CLOSED).save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_treebank_without_multiword_tokens_trains_a_model():
    model = train_split_model([_whole("a b")], [], [], CLOSED)
    assert model.split(["a", "b"]) == [("a",), ("b",)]


def test_split_model_learns_words_from_labelled_text():
    sentences = [[_HABAIT, *_whole("gadol hadar")]] * 20
    rows = [("hakelev", ("hakelev",)), ("hamor", ("ha", "mor")), ("hayom", ())]
    text = [[Surface(*row, True) for row in rows]] * 20
    right = [("hakelev",), ("ha", "mor")]
    assert train_split_model(sentences, [], [], OPEN).split(["hakelev", "hamor"]) != right
    model = train_split_model(sentences, text, [], OPEN)
    assert model.split(["hakelev", "hamor"]) == right


def test_the_first_script_is_around_the_token_most_like_the_form():
    first, *_ = scripts_of("bbeito", ("b", "beit_", "hu"))
    assert first == Script("b", "o", ("b",), "", "_", ("hu",))


def test_scripts_of_compounds_are_around_each_of_their_tokens():
    compounds = [("kondullen", ("kond", "ullen")), ("vandullen", ("vand", "ullen"))]
    scripts = learn_scripts([[Surface(*each) for each in compounds]], COMPOUNDS)
    assert scripts == [Script("", "ullen", (), "", "", ("ullen",))]
    model = train_split_model([[Surface(*compounds[0])]] * 20, [], [], COMPOUNDS)
    assert model.split(["irundullen"]) == [("irund", "ullen")]


def test_script_of_few_forms_stays_with_them_where_splits_are_closed():
    tokens = [[_DES, _DES]]
    pairs = (("des", "de"), ("Des", "De"))
    exact = {Script(form, "", (first,), "", "les", (), is_exact=True) for form, first in pairs}
    assert set(learn_scripts(tokens, CLOSED)) == exact
    assert learn_scripts(tokens, OPEN) == scripts_of(*_DES[:2])[:1]


def test_script_seen_once_is_left_out_where_splits_are_open():
    assert learn_scripts([[_HABAIT]], OPEN) == []


def test_tokens_without_forms_are_split_by_the_endings_of_their_forms():
    stems = ("ghar", "raja", "shahar", "pustak", "mandir", "gaav")
    hidden = [Surface(f"{stem}kade", ("_", "_"), True) for stem in stems]
    sentences = [[form, *_whole(f"{stem} gela")] for form, stem in zip(hidden, stems, strict=True)]
    (script,) = learn_scripts(sentences, CLOSED)
    assert script == Script("", "kade", (), "_", "", ("_",))
    model = train_split_model(sentences * 5, [], [], CLOSED)
    assert model.split("mulakade mula".split()) == [("_", "_"), ("mula",)]


def test_tokens_without_forms_stay_with_their_form_where_few_share_an_ending():
    hidden = ("_", "_")
    (script,) = learn_scripts([[Surface("majhi", hidden, True)]] * 9, OPEN)
    assert script.apply("majhi") == hidden
