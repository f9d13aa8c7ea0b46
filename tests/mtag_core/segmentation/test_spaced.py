import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.segment_kinds import QUOTE_STYLES, abbreviations_right, quotes_right
from mtag_core.segmentation.word_units import unit_spans


@pytest.fixture(scope="module")
def segment(bundled_segmenter):
    return lambda text, language: [s.forms for s in bundled_segmenter.segment(text, language)]


@pytest.mark.parametrize("style", QUOTE_STYLES)
def test_quotation_marks_and_dashes_are_tokens_in_every_language(segment, style):
    language_to_share = quotes_right(segment, style)
    assert len(language_to_share) == 25
    assert sum(language_to_share.values()) >= 0.96 * len(language_to_share)


def test_abbreviations_end_no_sentence(segment):
    assert abbreviations_right(segment) >= 0.95


@pytest.mark.parametrize(
    ("language", "text", "lasts"),
    [
        ("fr", "Léo dit : « Bonsoir ! Et toi ? » Anne part.", ["!", "»", "."]),
        ("de", "„Und du?“ Anna sagt: „Ich bin Anna.“ Sie geht.", ["“", "“", "."]),
        ("es", "«Buenas noches. Soy Leo.» Ana sale.", [".", "»", "."]),
        ("uk", "«Добрий вечір! Я Лев.» Анна йде.", ["!", "»", "."]),
        ("el", "«Καλησπέρα! Είμαι ο Λέων.» Η Άννα φεύγει.", ["!", "»", "."]),
        ("en", "“Come in.” She sat down. (It was late.) He left.", ["”", ".", ")", "."]),
        ("pl", "Powiedział: „Jestem tu.” Potem wyszedł.", ["”", "."]),
        ("sv", "”Kom hit.” Hon gick.", ["”", "."]),
    ],
)
def test_closing_marks_belong_to_the_sentence_they_end(segment, language, text, lasts):
    assert [forms[-1] for forms in segment(text, language)] == lasts


@pytest.mark.parametrize(
    ("language", "text", "n_sentences"),
    [
        ("en", "The bird is grey.[1] It lives here.[2][3] It eats fish.", 3),
        ("de", "Der Vogel ist grau.[1] Er lebt hier.[2][3] Er frisst Fisch.", 3),
        ("es", "El ave es gris.[1] Vive aquí.[2] Come peces.", 3),
        ("pl", "Ptak jest szary[1]. Żyje tu[2][3].", 2),
    ],
)
def test_footnotes_are_apart(segment, language, text, n_sentences):
    sentences = segment(text, language)
    assert len(sentences) == n_sentences
    forms = [form for sentence in sentences for form in sentence]
    assert all(len(form) == 1 for form in forms if set(form) & set(".[]123"))


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "ru", "tr", "fi", "xx"])
@pytest.mark.parametrize(
    "unit",
    [
        *("https://a.example/b_(c)?d=1", "www.example.org", "ann.lee@mail.example", "#tag_1"),
        *("@ann_lee", "setup.py", "1.000,50", "12:30", "2020-01-31", "31.12.2020", ":-)", "-5"),
    ],
)
def test_addresses_numbers_and_emoticons_are_whole_wherever_they_stand(segment, language, unit):
    for text in (f"{unit} a", f"a {unit}", f"a ({unit}) b", f"a {unit}, b", f'a "{unit}" b'):
        assert unit in segment(text, language)[0]


_CLUSTERS = st.sampled_from(
    [
        *(
            "👩\u200d👩\u200d👧",
            "🇫🇷",
            "1\ufe0f\u20e3",
            "e\u0301\u0323",
            "שָׁ",
            "كَ",
            "각",
            "👍🏽",
            "नि",
        ),
        *("a", "B", "5", ".", '"', "-", "\u2019", "!", "_", "@", "/"),
    ]
)


@given(st.lists(_CLUSTERS, min_size=1, max_size=12))
def test_no_grapheme_cluster_is_cut(clusters):
    chunk = "".join(clusters)
    ends = {end for _, end in unit_spans(chunk)}
    offsets = {0}
    for cluster in clusters:
        offsets.add(max(offsets) + len(cluster))
    assert ends <= offsets
    assert "".join(chunk[start:end] for start, end in unit_spans(chunk)) == chunk


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.sampled_from("aB1.!?\"'()-«» \u2014"), max_size=30), max_size=6))
def test_a_document_is_cut_as_its_lines_are(segment, lines):
    lines = [line.strip() for line in lines]
    alone = [forms for line in lines for forms in segment(line, "de")]
    assert segment("\n\n".join(lines), "de") == alone


def test_a_capital_inside_a_sentence_does_not_end_it(segment):
    assert len(segment("Because There are problems With the list of Names.", "en")) == 1


@pytest.mark.parametrize("text", ["ภาษาไทยเป็นภาษาที่มีระดับเสียง", "ພາສາລາວ", "ភាសាខ្មែរ", "မြန်မာဘာသာ"])
def test_phrases_without_spaces_are_not_one_token(segment, text):
    assert len(segment(text, "xx")[0]) > 3
