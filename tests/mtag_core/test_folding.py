import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtag_core import simplified_chinese
from mtag_core.folding import (
    fold,
    fold_form,
    is_in_capitals,
    lemma_as_written,
    usual_case,
    usual_letters,
)


@pytest.mark.parametrize(
    ("form", "folded"),
    [
        ("e\u0301t\u00e9", "été"),
        ("ﬁn", "fin"),
        ("\uff34\uff4f\uff4b\uff59\uff4f\uff11", "Tokyo1"),
        ("\U0001d400\U0001d41b", "Ab"),
        ("שָׁלוֹם", "שלום"),
        ("كِتَابٌ", "كتاب"),
        ("كتـــاب", "كتاب"),
        ("co\u00adop", "coop"),
        ("\u0640", "\u0640"),
        ("\u200b\u00ad", "\u200b"),
        ("x²", "x²"),
        ("½", "½"),
        ("İ", "İ"),
        ("…", "…"),
    ],
)
def test_forms_that_mean_the_same_become_one(form, folded):
    assert fold_form(form) == folded


@given(form=st.text(min_size=1))
def test_folding_is_done_once_and_leaves_something(form):
    folded = fold_form(form)
    assert folded
    assert fold_form(folded) == folded


@given(text=st.text(alphabet=st.characters(categories=["L", "Mn"])))
def test_a_text_and_its_decomposition_fold_alike(text):
    assert fold(unicodedata.normalize("NFD", text)) == fold(text)


@pytest.mark.parametrize(
    ("text", "language", "usual"),
    [
        ("THE OLD MAN WALKS. HE IS 90!", "en", "The old man walks. He is 90!"),
        ("„ER GEHT.“ «SIE BLEIBT.»", "de", "„Er geht.“ «Sie bleibt.»"),
        ("IŞIK İÇİN GELDİ", "tr", "Işık için geldi"),
        ("Ο ΓΙΩΡΓΟΣ ΕΦΥΓΕ ΧΘΕΣ", "el", "Ο γιωργος εφυγε χθες"),
        ("УШЁЛ В СВОЙ ДОМ? НЕТ.", "ru", "Ушёл в свой дом? Нет."),
    ],
)
def test_text_in_capitals_is_read_in_small_letters(text, language, usual):
    assert is_in_capitals(text)
    assert usual_case(text, language) == usual


@pytest.mark.parametrize(
    "text",
    [
        "NATO",
        "USA, UK",
        "NASA IN The END",
        "שער הXOR מקבל שני",
        "日本のNHKとFM放送",
        "A B C D E F",
        "",
    ],
)
def test_names_and_letters_are_not_text_in_capitals(text):
    assert not is_in_capitals(text)


@given(st.text(), st.sampled_from(["tr", "de", "el", "und"]))
def test_text_in_another_case_is_as_long(text, language):
    assert len(usual_case(text, language)) == len(text)


@pytest.mark.parametrize(
    ("form", "latin"),
    [
        ("Његова", "Njegova"),
        ("ЉУДИ", "LJUDI"),
        ("џеп", "džep"),
        ("Њ", "Nj"),
        ("Beograd", "Beograd"),
    ],
)
def test_serbian_is_read_in_latin_letters(form, latin):
    assert usual_letters([form], "sr", text=form) == [latin]
    assert usual_letters([form], "mk", text=form) == [form]


@pytest.mark.parametrize(
    ("language", "form", "usual"),
    [
        ("ro", "aceşti, Ţara", "acești, Țara"),
        ("fa", "كتابي", "کتابی"),
        ("ur", "كي وه", "کی وہ"),
        ("uk", "обʼєкт", "об’єкт"),
        ("uk", "Ки\u0301їв", "Київ"),
        ("ru", "Москва\u0301, йод", "Москва, йод"),
        ("bg", "\u0301", "\u0301"),
        ("la", "amīcōs Rōmānī", "amicos Romani"),
        ("lv", "māja", "māja"),
        ("ar", "١٢٫٥٪", "12٫5%"),
        ("fa", "۱۲ ٣", "۱۲ ۳"),
        ("ur", "٣", "3"),
        ("be", "аб’ект", "аб'ект"),
        ("uk", "об'єкт", "об’єкт"),
        ("fr", "aujourd’hui", "aujourd'hui"),
        ("fr", "l＇", "l'"),
        ("en", "nʼt", "n't"),
        ("en", "’", "’"),
        ("de", "‐", "-"),
        ("de", "\u00ad", "\u00ad"),
        ("he", "צה״ל", 'צה"ל'),
        ("en", "co\u00adop‐owner", "coop-owner"),
        ("ar", "كتابي", "كتابي"),
        ("tr", "işçi", "işçi"),
    ],
)
def test_letters_of_other_keyboards_are_read_as_the_usual_ones(language, form, usual):
    assert usual_letters([form], language, text=form) == [usual]


@pytest.mark.parametrize(
    ("form", "lemma", "written"),
    [
        ("људима", "čovek", "човек"),
        ("коњи", "konj", "коњ"),
        ("инјекције", "injekcija", "инјекција"),
        ("су", "biti", "бити"),
        ("Београду", "Beograd", "Београд"),
        ("пише", "pisati", "писати"),
        ("књигама", "knjiga", "књига"),
        ("кућа\u0301", "kuća", "кућа"),
        ("људи", "ljudi", "људи"),
        ("ljudi", "ljudi", "ljudi"),
        ("НАТО-а", "NATO", "НАТО"),
    ],
)
def test_a_serbian_lemma_has_the_letters_of_its_form(form, lemma, written):
    assert lemma_as_written(lemma, form, "sr") == written


def test_simplified_chinese_is_read_in_traditional_characters_and_its_lemmas_are_simplified():
    forms = ["我们", "发展", "公司", "2026"]
    read = usual_letters(forms, "zh", text="".join(forms))
    assert read == ["我們", "發展", "公司", "2026"]
    assert [lemma_as_written(*pair, "zh") for pair in zip(read, forms, strict=True)] == forms
    assert lemma_as_written("人", "人们", "zh") == "人"


def test_traditional_chinese_stays():
    # The first character is a queen in traditional characters, and `behind` in simplified ones.
    forms = ["后", "與", "發展"]
    assert usual_letters(forms, "zh", text="".join(forms)) == forms
    assert usual_letters(["后面"], "zh", text="后面") == ["後面"]
    assert usual_letters(["发展"], "ja", text="发展") == ["发展"]


def test_simplified_characters_are_those_of_opencc():
    opencc = pytest.importorskip("opencc", reason="comes with the extra `dictionaries`")
    simplified = simplified_chinese.SIMPLIFIED
    traditional = "".join(simplified_chinese.in_traditional(simplified, text=simplified))
    assert len(set(simplified)) == len(simplified) == len(traditional)
    assert opencc.OpenCC("t2s").convert("\n".join(traditional)) == "\n".join(simplified)
