import textwrap

import pytest

from mtag_core.langid import LanguageIdentifier
from mtag_core.segmentation.language_spans import cut_at_scripts, find_spans
from mtag_core.segmentation.rewritten import ReadText
from mtag_core.segmentation.segmenter import Segmenter

_CROATIAN = (
    "Grad je poznat po starom mostu preko rijeke i po tržnici na kojoj se svakog jutra prodaje "
    "voće, povrće i svježa riba iz obližnjeg jezera, a navečer ondje sviraju glazbenici."
)


def _spans(text, langid):
    read = ReadText.of(text, joins_hyphens=False)
    return list(find_spans([read], [None], langid=langid))


class _Identifier(LanguageIdentifier):
    """Takes a line for what its first mark says, but never rules Croatian and Serbian out."""

    def __init__(self, first_word_to_language: dict[str, str]) -> None:
        self._languages = first_word_to_language

    def predict_top(self, texts, *, n_best):
        return [self._guess(text.split()[0]) for text in texts]

    def _guess(self, word: str) -> list[tuple[str, float]]:
        language = self._languages.get(word, "hr")
        if language not in ("hr", "sr"):
            return [(language, 0.99), ("hr", 0.001)]
        return [(language, 0.9), ("sr" if language == "hr" else "hr", 0.1)]


@pytest.fixture
def lines():
    return textwrap.wrap(_CROATIAN, 60)


def test_wrapped_lines_agree_on_a_language(lines):
    identifier = _Identifier({lines[1].split()[0]: "sr"})
    (span,) = _spans("\n".join(lines), identifier)
    assert (span.start, span.end, span.language) == (0, len("\n".join(lines)), "hr")


def test_a_wrapped_paragraph_is_one_span_whatever_its_lines_look_like(lines):
    identifier = _Identifier({lines[1].split()[0]: "fi", lines[-1].split()[0]: "lv"})
    (span,) = _spans("\n".join(lines), identifier)
    assert span.language == "hr"


def test_margins_are_counted_in_columns():
    lines = ["\u5929" * 25, "\u5730" * 25, "\u4eba" * 8 + "\u3002"]
    (span,) = _spans("\n".join(lines), _Identifier({}))
    assert (span.start, span.end) == (0, len("\n".join(lines)))


def test_lines_that_no_margin_broke_keep_their_languages(lines):
    short = [line[:30] for line in lines]
    identifier = _Identifier({lines[1].split()[0]: "sr"})
    languages = [span.language for span in _spans("\n".join(short), identifier)]
    assert languages == ["hr", "sr", "hr"]


class _Unsure(_Identifier):
    """Takes a text for French, with so much probability."""

    def __init__(self, prob: float) -> None:
        self._prob = prob

    def predict_top(self, texts, *, n_best):
        return [[("fr", self._prob)] for _ in texts]


@pytest.mark.parametrize(("prob", "language"), [(0.24, "und"), (0.25, "fr")])
def test_text_that_is_hardly_in_any_language_is_unknown(prob, language):
    (span,) = _spans("Zut", _Unsure(prob))
    assert span.language == language


_DANISH = (
    "Bageren på hjørnet lukker først, når det sidste brød er solgt.",
    "Han rejser med den tidlige færge.",
    "Om vinteren er der mørkt på havnen, og kun to både ligger tilbage.",
    "Rangen er det, der bestemmer.",
    "De gamle fiskere siger, at sild og torsk ikke længere kommer så tæt på land som før.",
    "Men børnene finder stadig krabber under broen, når solen skinner.",
    "Skolen har fået ny leder.",
    "Til sommer skal taget males, for det er blevet gråt og utæt.",
)
_OTHERS = {
    "en": "The ferry leaves at six, and nobody waits for those who come late.",
    "sv": "Jag tycker inte om att vänta på båten när det är så kallt ute.",
    "ru": "Паром уходит в шесть часов утра.",
}


def _languages(lines, langid):
    return [span.language for span in _spans("\n".join(lines), langid)]


def test_a_document_that_is_sure_of_its_language_is_in_it_as_a_whole(default_langid):
    assert set(_languages(_DANISH, default_langid)) == {"da"}


@pytest.mark.parametrize("language", sorted(_OTHERS))
def test_a_line_in_another_language_keeps_it_in_a_sure_document(default_langid, language):
    lines = [*_DANISH[:4], _OTHERS[language], *_DANISH[4:]]
    assert _languages(lines, default_langid) == [*["da"] * 4, language, *["da"] * 4]
    assert _languages(lines * 3, default_langid) == [*["da"] * 4, language, *["da"] * 4] * 3


def _parts(text, language, default_langid):
    parts = list(cut_at_scripts(text, 0, len(text), language, langid=default_langid))
    assert [start for start, _, _ in parts] == [0, *(end for _, end, _ in parts[:-1])]
    assert parts[-1][1] == len(text)
    return [(text[start:end], part_language) for start, end, part_language in parts]


def test_sentences_in_two_scripts_are_cut_apart(default_langid):
    text = "Der Hund schläft unter dem alten Tisch. Το σπίτι είναι πολύ μεγάλο. Gute Nacht!"
    assert _parts(text, "de", default_langid) == [
        ("Der Hund schläft unter dem alten Tisch. ", "de"),
        ("Το σπίτι είναι πολύ μεγάλο. ", "el"),
        ("Gute Nacht!", "de"),
    ]


def test_words_of_another_script_inside_a_sentence_stay_in_it(default_langid):
    text = "Вчера я читал The New York Times в метро. И это было интересно."
    assert _parts(text, "ru", default_langid) == [(text, "ru")]


def test_quoted_sentence_stays_with_what_quotes_it(default_langid):
    text = "Она сказала: «Stop it!» и вышла из комнаты."
    assert _parts(text, "ru", default_langid) == [(text, "ru")]


def test_signs_without_letters_join_what_stands_before_them(default_langid):
    text = "*** Καλημέρα σας. 12:30. *** Good morning to all of you. 5."
    assert [language for _, language in _parts(text, "el", default_langid)] == ["el", "en"]


def test_very_long_line_without_sentence_ends_is_one_part(default_langid):
    text = "слово " * 10_000
    assert _parts(text, "ru", default_langid) == [(text, "ru")]


@pytest.mark.parametrize(
    ("lines", "languages"),
    [
        (["首相訪米", "首相は来月、アメリカを訪問する予定です。", "気象庁"], ["ja"] * 3),
        (["東京株式市場続落"], ["zh"]),
        (["Ja.", "Nein.", "Ich komme gleich.", "Warte auf mich!"], ["de"] * 4),
        (["Ja.", "Nee.", "Ik kom zo.", "Wacht op mij!"], ["nl"] * 4),
        (["@ann_lee #tag1 12:30"], ["und"]),
        (["x = y + z"], ["und"]),
    ],
)
def test_short_lines_are_in_the_language_of_those_near_them(default_langid, lines, languages):
    assert _languages(lines, default_langid) == languages


def test_lines_of_a_sentence_each_are_not_one_paragraph(bundled_segmenters, default_langid):
    text = (
        "Le temps est très beau aujourd'hui dans la ville.\n"
        "This is what the man said to his friends yesterday.\n"
        "Nous sommes allés au marché avec les enfants."
    )
    found = Segmenter.load(bundled_segmenters, default_langid).segment(text)
    assert [sentence.language for sentence in found] == ["fr", "en", "fr"]
