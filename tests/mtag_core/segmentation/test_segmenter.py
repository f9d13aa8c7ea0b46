import lzma
import random
import re
import time
import unicodedata
from itertools import islice

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtag_core.errors import BundleError
from mtag_core.segmentation import Segmenter

_PIECES = st.sampled_from(
    [
        "Le chat du voisin dort.",
        "Αυτό είναι",
        "мир",
        " ",
        "\n",
        "\n\n",
        "\r\n",
        "\x00",
        "\ufeff",
        "é",
        "😀",
        "A" * 50,
        "你好。",
        "\xa0",
        "\u2028",
        "12,5",
        "'",
        "́" * 9,
        "au",
        ".",
        "e\u0301te\u0323\u0302",
        "\u1112\u1161\u11ab\u1100\u1173\u11af",
        "\uff24\uff55\uff0e",
        "\ufb01n \ufefb \U0001d400b",
        "IL PARLE DU CHAT ET DES AMIS.",
    ]
)
_TEXTS = st.one_of(
    st.text(max_size=200),
    st.lists(_PIECES, max_size=40).map("".join),
    st.lists(_PIECES, max_size=40).map(" ".join),
)


def _check_offsets(text, sentences):
    end = 0
    for sentence in sentences:
        assert sentence.start >= end
        assert text[sentence.start : sentence.end] == sentence.text
        split = {i for m in sentence.multiword_tokens for i in range(m.first, m.last + 1)}
        for i, form in enumerate(sentence.forms):
            start, last = sentence.starts[i], sentence.ends[i]
            assert i in split or (text[start:last] == form and start >= end)
            end = max(end, last)
        for multiword in sentence.multiword_tokens:
            assert text[multiword.start : multiword.end] == multiword.form
        assert end == sentence.end


def _covered(sentences):
    spans = {span for s in sentences for span in zip(s.starts, s.ends, strict=True)}
    return {offset for start, end in spans for offset in range(start, end)}


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=_TEXTS, language=st.sampled_from([None, "fr", "zh", "vi", "xx"]))
def test_offsets_slice_the_document_back_to_each_form(bundled_segmenter, text, language):
    _check_offsets(text, list(bundled_segmenter.segment(text, language)))


@settings(deadline=None)
@given(text=_TEXTS)
def test_every_printable_character_is_in_a_token(bundled_segmenter, text):
    covered = _covered(bundled_segmenter.segment(text))
    lost = [c for i, c in enumerate(text) if i not in covered and c.isprintable() and c != " "]
    assert lost == []


@pytest.mark.parametrize("text", ["", " ", "\n \n\t\r\n", "\x00", "\u00a0"])
def test_text_without_characters_has_no_sentences(bundled_segmenter, text):
    assert list(bundled_segmenter.segment(text)) == []


def test_multiword_token_gives_its_range_to_its_tokens(bundled_segmenter):
    (sentence,) = bundled_segmenter.segment("Il parle du voisin.", "fr")
    assert sentence.forms == ("Il", "parle", "de", "le", "voisin", ".")
    (multiword,) = sentence.multiword_tokens
    assert (multiword.form, multiword.first, multiword.last) == ("du", 2, 3)
    assert sentence.starts[2:4] == (9, 9) and sentence.ends[2:4] == (11, 11)


def test_nul_separates_tokens_and_loses_nothing(bundled_segmenter):
    forms = [f for s in bundled_segmenter.segment("One\x00two three.", "en") for f in s.forms]
    assert forms == ["One", "two", "three", "."]


def test_each_line_gets_the_segmenter_of_its_language(bundled_segmenter):
    text = "This is English text.\nαυτό είναι ένα κείμενο.\nэто русский текст."
    languages = [sentence.language for sentence in bundled_segmenter.segment(text)]
    assert languages == ["en", "el", "ru"]


def test_untagged_language_gets_the_generic_segmenter(bundled_segmenter):
    (sentence,) = bundled_segmenter.segment("ka ko ki", "xx")
    assert sentence.language == "xx" and sentence.forms == ("ka", "ko", "ki")


def test_sentence_across_a_cut_is_whole(bundled_segmenter):
    text = "This is the text of one sentence. " * 3000
    sentences = list(bundled_segmenter.segment(text, "en"))
    assert len(sentences) == 3000
    assert {sentence.text for sentence in sentences} == {"This is the text of one sentence."}


@pytest.mark.parametrize(
    "text",
    [
        *("a" * 10_000, "\u0301" * 100_000, "a\u0301" * 50_000, "一" * 100_000, "- " * 50_000),
        *("a " + "." * 50_000, "a." * 25_000, "Ａ b" * 10_000),
    ],
    ids=["long token", "marks", "marked", "no spaces", "dashes", "dots", "stops", "full width"],
)
def test_absurd_text_takes_linear_time(bundled_segmenter, text):
    started = time.process_time()
    _check_offsets(text, list(bundled_segmenter.segment(text, "en")))
    assert time.process_time() - started < 20


def test_segmenting_again_gives_the_same(bundled_segmenter):
    text = "Ein Satz. Zwei Sätze!\n\nOne more line, e.g. this one."
    assert list(bundled_segmenter.segment(text)) == list(bundled_segmenter.segment(text))


@settings(deadline=None, max_examples=60)
@given(text=_TEXTS, language=st.sampled_from(["ar", "he", "ja", "vi", "zh"]))
def test_offsets_of_boundary_and_split_models_are_exact(bundled_segmenter, text, language):
    sentences = list(bundled_segmenter.segment(text, language))
    _check_offsets(text, sentences)
    covered = _covered(sentences)
    assert all(i in covered for i, c in enumerate(text) if c.isprintable() and c != " ")


def test_hebrew_prefix_is_a_token_of_its_own(bundled_segmenter):
    text = "\u05d4\u05d1\u05d9\u05ea"
    (sentence,) = bundled_segmenter.segment(text, "he")
    assert sentence.forms == ("\u05d4", "\u05d1\u05d9\u05ea")
    assert sentence.multiword_tokens[0].form == text


def _directory(bundled, tmp_path, **name_to_source):
    """A copy of some bundled models under other names."""
    for name, source in name_to_source.items():
        (tmp_path / f"{name}.linear.npz").symlink_to(bundled / f"{source}.linear.npz")
    return tmp_path


def test_a_treebank_has_a_segmenter_for_those_who_follow_it(
    bundled_segmenters, tmp_path, fake_langid
):
    models = {"generic": "generic", "de": "generic", "de_own": "en", "no": "generic"}
    directory = _directory(bundled_segmenters, tmp_path, **models, no_own="en")
    segmenter = Segmenter.load(directory, fake_langid)
    assert segmenter.languages == ("de", "no")
    following = segmenter.following(("de_own", "no_own", "en_unknown"))
    text = "We are gonna go."

    def n_tokens(cut, language):
        return [len(sentence.forms) for sentence in cut.segment(text, language)]

    assert n_tokens(segmenter, "de") == n_tokens(following.following(()), "de") == [5]
    assert n_tokens(following, "de") == n_tokens(following, "nn") == [6]
    assert n_tokens(following, "en") == [5]
    assert following.languages == segmenter.languages


@pytest.mark.parametrize(
    ("treebank", "forms"),
    [("he_cut", ("\u05d4\u05d1\u05d9\u05ea",)), ("he_split", ("\u05d4", "\u05d1\u05d9\u05ea"))],
)
def test_splits_are_the_treebanks_own_or_of_the_tokenizers_language(
    bundled_segmenters, tmp_path, fake_langid, treebank, forms
):
    directory = _directory(bundled_segmenters, tmp_path, generic="generic", he="he", he_cut="he")
    for name in ("he", "he_split"):
        (directory / f"{name}.splits.npz").symlink_to(bundled_segmenters / "he.splits.npz")
    segmenter = Segmenter.load(directory, fake_langid).following((treebank,))
    (sentence,) = segmenter.segment("\u05d4\u05d1\u05d9\u05ea", "he")
    assert sentence.forms == forms


def test_directory_without_generic_segmenter_is_an_error(tmp_path, fake_langid):
    with pytest.raises(BundleError, match=r"expected generic\.linear\.npz"):
        Segmenter.load(tmp_path, fake_langid)


def test_damaged_segmenter_is_an_error(tmp_path, fake_langid):
    (tmp_path / "generic.linear.npz").write_bytes(b"no model")
    segmenter = Segmenter.load(tmp_path, fake_langid)
    with pytest.raises(BundleError, match=r"generic\.linear\.npz: expected a layer"):
        list(segmenter.segment("a"))


def test_a_foreign_word_in_a_line_without_spaces_stays_whole(bundled_segmenter):
    text = "今日のpresentationは конечно うまくいった。"
    forms = [form for s in bundled_segmenter.segment(text, "ja") for form in s.forms]
    assert {"presentation", "конечно"} <= set(forms)


_HYPHENATED = """The old lighthouse keeper was never par-
ticularly fond of visitors, but the well-
known painter from the town was wel-
come at any hour. A well-known Anglo-
American critic came to see him twice,
and wrote about the mother- and
fatherless children of the is\u00ad
land.
"""


def test_words_that_a_margin_parts_are_whole_where_asked(bundled_segmenter):
    segmenter = bundled_segmenter.joining_hyphens()
    for text in (_HYPHENATED, _HYPHENATED.replace("\n", "\r\n  ")):
        sentences = list(segmenter.segment(text, "en"))
        assert len(sentences) == 2
        form_to_span = {
            form: text[start:end]
            for s in sentences
            for form, start, end in zip(s.forms, s.starts, s.ends, strict=True)
        }
        for word in ("particularly", "well-known", "welcome", "American", "mother", "island"):
            assert word in form_to_span
        assert form_to_span["particularly"].split() == ["par-", "ticularly"]
        assert [text[s.start : s.end] for s in sentences] == [s.text for s in sentences]


def test_words_stay_parted_where_nobody_asks(bundled_segmenter):
    forms = [form for s in bundled_segmenter.segment(_HYPHENATED, "en") for form in s.forms]
    assert "par" in forms
    assert "particularly" not in forms


def test_hyphens_of_lines_that_no_margin_broke_stay(bundled_segmenter):
    text = "-\nbread-\nbutter\n\nflour-\n\neggs"
    segmenter = bundled_segmenter.joining_hyphens()
    assert list(segmenter.segment(text, "en")) == list(bundled_segmenter.segment(text, "en"))


@given(_TEXTS)
def test_joined_words_lose_nothing_but_hyphens_and_spaces(bundled_segmenter, text):
    text = text.replace("A", "ab-\ncd ")
    sentences = list(bundled_segmenter.joining_hyphens().segment(text, "fr"))
    alone = list(bundled_segmenter.segment(text, "fr"))

    def left(sentences):
        spans = [span for s in sentences for span in zip(s.starts, s.ends, strict=True)]
        inside = {offset for start, end in spans for offset in range(start, end)}
        return {offset for offset in inside if text[offset] not in "-\u2010\u00ad \t\n"}

    assert left(sentences) == left(alone)
    assert all(text[s.start : s.end] == s.text for s in sentences)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fr", "Où êtes-vous allée hier après-midi ? J’étais à l’école."),
        ("vi", "Ông già đi bộ chậm rãi ra chợ mỗi buổi sáng."),
        ("ko", "노인은 매일 아침 천천히 시장에 간다. 비가 온다."),
        ("cs", "Starý muž jde každé ráno pomalu na trh. Prší."),
        ("el", "Ο γέρος πηγαίνει αργά στην αγορά. Βρέχει;"),
        ("ru", "Чайный ёж ушёл в свой дом. Идёт дождь."),
    ],
)
def test_decomposed_text_has_the_tokens_of_composed_text(bundled_segmenter, language, text):
    decomposed = unicodedata.normalize("NFD", text)
    assert decomposed != text
    usual = [s.forms for s in bundled_segmenter.segment(text, language)]
    sentences = list(bundled_segmenter.segment(decomposed, language))
    _check_offsets(decomposed, sentences)
    assert [
        tuple(unicodedata.normalize("NFC", form) for form in s.forms) for s in sentences
    ] == usual


def test_text_in_capitals_is_cut_as_usual_text(bundled_segmenter):
    text = "Il parle du temps qu'il fait aux enfants. Elle part. On l’a vu avec M. Dupont hier."
    usual = list(bundled_segmenter.segment(text, "fr"))
    sentences = list(bundled_segmenter.segment(text.upper(), "fr"))
    assert [[f.upper() for f in s.forms] for s in usual] == [[*s.forms] for s in sentences]
    _check_offsets(text.upper(), sentences)


def test_the_letter_apostrophe_parts_words_as_the_mark_does(bundled_segmenter):
    text = "Lʼhomme quʼil attend nʼest pas là."
    (sentence,) = bundled_segmenter.segment(text, "fr")
    assert sentence.forms == tuple("Lʼ homme quʼ il attend nʼ est pas là .".split())
    (name,) = bundled_segmenter.segment("Імʼя.", "uk")
    assert name.forms == ("Імʼя", ".")


def test_marks_of_full_width_stay_beside_letters_of_full_width(bundled_segmenter):
    (sentence,) = bundled_segmenter.segment("ＮＨＫ（日本放送協会）、ＦＭ。", "ja")
    assert "（" in sentence.forms
    assert "".join(sentence.forms) == sentence.text


@given(st.lists(_TEXTS, max_size=4), st.sampled_from(["fr", "tr", "zh", "vi", "ar"]))
def test_paragraphs_are_cut_together_as_each_alone(bundled_segmenter, texts, language):
    lines = [line for text in texts for line in re.split(r"[\n\r\v\f\x85\u2028\u2029]+", text)]
    text = "\n\n".join(lines)
    alone = [s.forms for line in lines for s in bundled_segmenter.segment(line, language)]
    sentences = list(bundled_segmenter.segment(text, language))
    assert [s.forms for s in sentences] == alone
    assert list(bundled_segmenter.segment(text, language)) == sentences


@pytest.fixture(scope="module")
def identifying(bundled_segmenters, default_langid):
    """The segmenters and the language identification that the package ships."""
    return Segmenter.load(bundled_segmenters, default_langid)


_LINES = st.sampled_from(
    [
        "Le chat du voisin dort au soleil, et les enfants jouent dans la cour.",
        "Il fait froid. On rentre !",
        "Der Hund schläft unter dem alten Tisch, aber die Katze ist nicht da.",
        "Gute Nacht!",
        "The ferry leaves at six, and nobody waits for those who come late.",
        "I don't know. Write to ann@example.org today.",
        "Το σπίτι είναι πολύ μεγάλο. Βρέχει;",
        "Вчера я читал газету в метро, и это было интересно.",
        "Bageren på hjørnet lukker først, når det sidste brød er solgt.",
        "我们明天去北京。天气很好！",
        "今日はとても寒いです。",
        "البيت كبير جدا وهو جميل.",
        "הבית גדול מאוד.",
        "Ông già đi bộ chậm rãi ra chợ mỗi buổi sáng.",
        "IL PARLE DU CHAT ET DES AMIS AVEC LES VOISINS.",
        "La poblacio\u0301n es de 10\u00a0000 habitantes\x00 y crece.",
        "12:30",
    ]
)
_DOCUMENTS = st.lists(
    st.one_of(_TEXTS, st.lists(_LINES, max_size=14).map("\n".join), st.lists(_LINES).map(" ".join)),
    max_size=8,
)


@given(
    texts=_DOCUMENTS,
    languages=st.sampled_from([{}, {"language": "fr"}, {"likely_language": "en"}]),
    block=st.sampled_from([1 << 16, 150]),
)
def test_texts_together_are_cut_as_each_alone(identifying, texts, languages, block):
    alone = [list(identifying.segment(text, **languages)) for text in texts]
    # A line that is longer than a block is cut in it.
    is_short = max(map(len, "\n".join(texts).splitlines()), default=0) < block
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mtag_core.segmentation.language_spans._N_TOGETHER", 3)
        name = "mtag_core.segmentation.segmenter._MAX_BLOCK_CHARACTERS"
        patch.setattr(name, block if is_short else 1 << 16)
        assert identifying.segment_many(texts, **languages) == alone


def test_texts_in_many_languages_are_cut_together_as_each_alone(shared_dir, identifying):
    rng = random.Random(3)
    documents = []
    for path in sorted((shared_dir / "text").glob("*.txt.xz"))[::3]:
        with lzma.open(path, "rt", encoding="utf-8") as stream:
            lines = [line.strip() for line in islice(stream, 40)]
        while lines:
            n_lines = rng.randint(1, 12)
            documents.append(rng.choice(" \n").join(lines[:n_lines]))
            del lines[:n_lines]
    rng.shuffle(documents)
    together = identifying.segment_many(documents)
    assert together == [list(identifying.segment(document)) for document in documents]
    assert len({sentence.language for sentences in together for sentence in sentences}) > 10


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Write to ann@example.org (see below) today.", "en"),
        ("Read www.example.org/a (in French) now.", "en"),
        ("Lies notizen.txt (siehe unten) zuerst.", "de"),
        ("Voir www.exemple.fr «ici» demain.", "fr"),
        ("Смотри www.example.ru (ниже) сейчас.", "ru"),
    ],
)
def test_an_opening_mark_before_a_small_letter_ends_no_sentence_behind_an_address(
    bundled_segmenter, text, language
):
    assert len(list(bundled_segmenter.segment(text, language))) == 1


def test_arabic_months_of_two_calendars_are_three_tokens(bundled_segmenter):
    (sentence,) = bundled_segmenter.segment("في 30 ايلول/سبتمبر المقبل.", "ar")
    assert "/" in sentence.forms
    (sentence,) = bundled_segmenter.segment("انظر src/main.py الآن.", "ar")
    assert "src/main.py" in sentence.forms
