from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.segment_kinds import QUOTE_STYLES, abbreviations_right, kinds_right, quotes_right
from mtag_core.segmentation import chunk_table
from mtag_core.segmentation.boundary_layers import BoundaryLayer, BoundaryScorer
from mtag_core.segmentation.chunk_cuts import ChunkCutter
from mtag_core.segmentation.chunk_table import ChunkMemory
from mtag_core.segmentation.spaced import SpacedTokenizer
from mtag_core.segmentation.word_units import unit_spans


@pytest.fixture(scope="module")
def segment(bundled_segmenter):
    return lambda text, language: [s.forms for s in bundled_segmenter.segment(text, language)]


@pytest.mark.parametrize("style", QUOTE_STYLES)
def test_quotation_marks_and_dashes_are_tokens_in_every_language(segment, style):
    language_to_share = quotes_right(segment, style)
    assert len(language_to_share) == 25
    assert sum(language_to_share.values()) >= 0.98 * len(language_to_share)


def test_abbreviations_end_no_sentence(segment):
    assert abbreviations_right(segment) >= 0.95


def test_text_of_many_kinds_is_cut_as_it_should_be(segment):
    kinds = kinds_right(segment)
    assert len(kinds) >= 30
    n_right, n_texts = map(sum, zip(*kinds.values(), strict=True))
    assert n_right >= 0.97 * n_texts
    assert [name for name, (right, total) in kinds.items() if right < 0.85 * total] == []


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


@pytest.mark.parametrize("language", "en de fr es ru tr fi hu el da et nl zh vi ar hi xx".split())
@pytest.mark.parametrize(
    "unit",
    [
        *("https://a.example/b_(c)?d=1", "www.example.org", "ann.lee@mail.example", "#tag_1"),
        *("@ann_lee", "setup.py", "1.000,50", "12:30", "2020-01-31", "31.12.2020", ":-)", "-5"),
        *("C++", "+3.2", "👍🏽", "🇩🇪", ":("),
    ],
)
def test_addresses_numbers_and_emoticons_are_whole_wherever_they_stand(segment, language, unit):
    for text in (f"{unit} a", f"a {unit}", f"a ({unit}) b", f"a {unit}, b", f'a "{unit}" b'):
        assert unit in segment(text, language)[0]
    for text in (f"a {unit}!", f"a [{unit}].", f"a «{unit}»."):
        assert unit in [form for sentence in segment(text, language) for form in sentence]


@pytest.mark.parametrize(
    ("language", "text", "forms"),
    [
        (
            "en",
            "Gen. Ito, capt. Roe, pp. 4 (approx. 5) etc., no. 7",
            "Gen. capt. pp. approx. etc. no.",
        ),
        (
            "de",
            "Hr. Ott, am 3. Jan. 2019, z. B. 5 Mio. Euro, II. Klasse",
            "Hr. 3. Jan. z. B. Mio. II.",
        ),
        ("es", "la Dra. Gil y el Lic. Mas, 5 de sept. de 2001", "Dra. Lic. sept."),
        ("it", "l’Ing. Russo e il Dott. Bini, cap. 3", "Ing. Dott. cap."),
        ("fr", "du 3 janv. au 4 févr. 2001, chap. 5", "janv. févr. chap."),
        ("nl", "dhr. Kok en mevr. Bos", "dhr. mevr."),
        ("ru", "акад. Иванов и доц. Попов, рис. 3, стр. 5", "акад. доц. рис. стр."),
        ("hu", "id. Nagy Pál és özv. Kissné", "id. özv."),
        ("pl", "św. Anna i godz. 5", "św godz"),
        ("cs", "doc. Bek a např. Vlk", "doc např"),
        ("id", "Ir. Budi dan Hj. Siti", "Ir Hj"),
        ("uk", "проф. Коваль і вул. Нова", "проф вул"),
    ],
)
def test_full_stops_of_abbreviations_are_cut_as_treebanks_do(segment, language, text, forms):
    found = [form for sentence in segment(text, language) for form in sentence]
    assert [form for form in forms.split() if form not in found] == []


@pytest.mark.parametrize(
    ("language", "text", "lasts"),
    [
        ("sv", "Det kostar 5 kronor. Bra.", "kronor Bra"),
        ("de", "Es kostet $3. Billig.", "3 Billig"),
        ("de", "Es sind 12,5. Mehr nicht.", "12,5 nicht"),
        ("ru", "Длина 5 км. Всё.", "км Всё"),
        ("fr", "Apportez jouets, etc. Merci.", "etc. Merci"),
        ("hu", "Megjött özv. Tóthné. Leültek.", "Tóthné Leültek"),
        ("en", "No. I am.", "No am"),
        ("it", "Si veda fig. 3 del vol. II. Pesa 5 kg. Fatto.", "II kg Fatto"),
        ("cs", "Viz obr. 3 a kap. 4. Váží 5 kg. Hotovo.", "4 kg Hotovo"),
        ("ru", "Стоит 10$ или €5. Дёшево.", "5 Дёшево"),
        ("ro", "Dna. Radu și dr. ing. Matei vin la Sf. Ana. Au mâncat.", "Ana mâncat"),
        ("fi", "Tuokaa leluja ym. Kiitos.", "ym Kiitos"),
        ("de", "Er war der 3. Sohn. Sie kam am 24. 12. 2023 an.", "Sohn an"),
        ("en", "Use Node.js v18.2 and C++17. Done.", "C++17 Done"),
        ("ru", "Это 5 см. Он идёт.", "см идёт"),
        ("nl", "Dat is 5 l. Goed.", "l. Goed"),
        ("ru", "См. с. 2. Конец.", "2 Конец"),
        ("fr", "Il fait 20 °C. Bien.", "°C Bien"),
        ("fr", "« Je suis lasse. » « Non », dit-il.", "» -il"),
        ("pl", "„Czy to daleko?” – zapytała. „Nie.”", "zapytała ”"),
        ("nl", "A.F.Th. van der Heijden kwam. Hij las.", "kwam las"),
        ("ar", "ذهب. «انتظر!» فات الأوان.", "ذهب » الأوان"),
        ("en", "I... I can go. No. He left.", "go No left"),
        ("de", "Hans’ Auto fährt. Gut.", "fährt Gut"),
        ("ka", "ის წავიდა. (მან სთხოვა.) ისინი წავიდნენ.", "წავიდა სთხოვა წავიდნენ"),
        ("ko", "그는 갔다. (그녀가 부탁했다.) 끝.", "갔다 부탁했다 끝"),
        ("fr", "Merci @lea ! Vive #LaFête2024 !", "@lea #LaFête2024"),
        ("pt", "Legal :D até logo ;) 👍🏽", ";)"),
        ("zh", "歌曲《你在哪？》很长。", "很长"),
    ],
)
def test_short_sentences_are_sentences(segment, language, text, lasts):
    sentences = [[*forms] for forms in segment(text, language)]
    marks = {*".!?。", ")", "👍🏽"}
    words = [[form for form in forms if form not in marks][-1] for forms in sentences]
    assert words == lasts.split()


@pytest.mark.parametrize("language", ["en", "de", "it", "ru", "xx"])
@pytest.mark.parametrize("chunk", ["Jean-Luc,", "AT&T.", "Anne-Marie;", "R&D!"])
def test_what_joins_two_words_is_at_none_of_them_alone(segment, language, chunk):
    forms = [form for sentence in segment(f"a {chunk} b", language) for form in sentence]
    assert not [form for form in forms if len(form) > 1 and {form[0], form[-1]} & {"-", "&"}]


def test_breton_writes_a_letter_with_an_apostrophe(segment):
    (forms,) = segment("N'eo ket c'hoazh ar c’hi d'am c'hoar.", "br")
    assert list(forms) == ["N'", "eo", "ket", "c'hoazh", "ar", "c’hi", "d'", "am", "c'hoar", "."]


@pytest.mark.parametrize("language", ["fr", "it", "pl", "sv", "pt", "ru", "ro", "ca", "en", "xx"])
@pytest.mark.parametrize("name", ["O'Malley", "O’Malley", "O'MALLEY"])
def test_names_with_an_apostrophe_are_one_token(segment, language, name):
    for text in (f"A ({name}) b.", f"{name}, a", f"b {name}. a"):
        assert name in [form for sentence in segment(text, language) for form in sentence]


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "pl", "ru", "et", "no", "xx"])
@pytest.mark.parametrize("opening", ["-", "--", "–", "—", "•", "*", ">", "«", "“"])
def test_what_opens_a_sentence_is_no_sentence(segment, language, opening):
    for text in (f"{opening} Mr. Kane!", f"Ja. {opening} Nein! {opening} Ja."):
        assert all(len(forms) > 1 for forms in segment(text, language))


@pytest.mark.parametrize("language", ["ro", "en", "fi", "el", "he", "ko", "xx"])
@pytest.mark.parametrize("mark", [",", ";", "!", "?"])
@pytest.mark.parametrize("word", ["duminică", "Ab", "ημέρα", "יום", "오늘"])
def test_a_mark_behind_a_word_is_a_token(segment, language, mark, word):
    forms = [form for sentence in segment(f"a {word}{mark} 8 b", language) for form in sentence]
    assert mark in forms


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


@given(
    st.lists(
        st.text(
            st.sampled_from("aOé\u017fиשक\u093e가ล漢ʼ'\u2019-\u2014.,:;!)«…@/=1x_\u0301\u200d🙂"),
            min_size=1,
            max_size=8,
        ),
        min_size=1,
        max_size=6,
    )
)
def test_chunks_are_cut_together_as_patterns_cut_each(chunks):
    cut = ChunkCutter([], {}).cut(chunks)
    starts = cut.starts.tolist()
    alone = [
        start + end
        for start, chunk in zip(starts, chunks, strict=True)
        for _, end in unit_spans(chunk)
    ]
    assert cut.ends.tolist() == alone


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.sampled_from("aB1.!?\"'()-«» \u2014"), max_size=30), max_size=6))
def test_a_document_is_cut_as_its_lines_are(segment, lines):
    lines = [line.strip() for line in lines]
    alone = [forms for line in lines for forms in segment(line, "de")]
    assert segment("\n\n".join(lines), "de") == alone


def test_a_capital_inside_a_sentence_does_not_end_it(segment):
    assert len(segment("Because There are problems With the list of Names.", "en")) == 1


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Then Mr. Brown, Mrs. Brown and Dr. Who left. "),
        ("en", "I spoke to Prof. Müller, Capt. Kirk and Rev. Green about Sen. Obama. "),
        ("en", "MR. SMITH WENT HOME. "),
        ("de", "Prof. Dr. med. Hans Müller traf Hr. Meier und Frau Dr. Schmidt. "),
        ("fr", "M. Dupont et Mme. Martin ont vu le Pr. Raoult et Mgr. Lefebvre. "),
        ("es", "El Sr. Gómez, la Dra. López y D. José llegaron. "),
        ("it", "Il Sig. Rossi, l'on. Moro e il prof. Verdi parlano. "),
        ("pt", "O Sr. Silva e a Profa. Costa chegaram. "),
        ("nl", "De heer Dhr. Jansen en Drs. Bakker kwamen. "),
        ("pl", "Przyszli ks. Popiełuszko i mjr. Nowak. "),
        ("ru", "Там были проф. Иванов, акад. Сахаров и д-р. Петров. "),
        ("uk", "Там були проф. Шевченко і акад. Вернадський. "),
        ("tr", "Prof. Dr. Ahmet Yılmaz ve Av. Mehmet konuştu. "),
        ("cs", "Přišel Ing. Novák, MUDr. Malý a Mgr. Svoboda. "),
        ("xx", "Mr. Smith, Dr. Jones. "),
    ],
)
def test_titles_before_names_end_no_sentence(segment, language, text):
    assert len(segment(text, language)) == 1
    assert len(segment(text * 2, language)) == 2


@pytest.mark.parametrize(
    ("language", "text", "tokens"),
    [
        ("ta", "நேற்று கே. எஸ். முருகன் வந்தார். அவர் பாடினார்.", ["கே.", "எஸ்."]),
        ("ta", "தலைவர் (மு. கண்ணன்) பேசினார். திரு. ராஜன் சென்றார்.", ["மு.", "திரு."]),
        ("ta", "நேற்று பி.எஸ். நிறுவனம் திறந்தது. நான் சென்றேன்.", ["பி.எஸ்."]),
        ("te", "నిన్న ఎన్. పి. రావు వచ్చారు. డా. లత వెళ్ళారు.", ["ఎన్.", "పి.", "డా."]),
        ("hi", "कल एस. के. वर्मा आए थे। वहाँ डॉ. सिंह मिले।", ["एस.", "के.", "डॉ."]),
        ("mr", "काल के. पी. काळे आले. नंतर श्री. जोशी गेले.", ["के.", "पी.", "श्री."]),
        ("bn", "গতকাল এস. আর. সেন এসেছিলেন। ড. রায় গেছেন।", ["এস.", "আর.", "ড."]),
        ("kn", "ನಿನ್ನೆ ಎಸ್. ರಾಮಪ್ಪ ಬಂದರು. ಡಾ. ಗೌಡ ಹೋದರು.", ["ಎಸ್.", "ಡಾ."]),
        ("gu", "કાલે યુ.એસ. પ્રમુખ આવ્યા. ડૉ. શાહ ગયા.", ["યુ.એસ.", "ડૉ."]),
    ],
)
def test_initials_and_titles_without_capitals_keep_their_stops(segment, language, text, tokens):
    sentences = segment(text, language)
    assert len(sentences) == 2
    found = [form for forms in sentences for form in forms if form[-1] == "." != form]
    assert found == tokens


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("ta", "இங்கே வா. அங்கே போ. யார் நீ."),
        ("hi", "वह यहाँ है. वह घर में था. यह मेरी."),
        ("mr", "हे घर आहे. तो आला. हे का."),
        ("ta", "அது என் பேனா. நான் வந்தேன். தலைவர் கே."),
    ],
)
def test_short_words_without_capitals_end_sentences(segment, language, text):
    assert [forms[-1] for forms in segment(text, language)] == ["."] * 3


@pytest.mark.parametrize(
    ("language", "text", "n_sentences"),
    [
        ("de", "Er kommt, weil ich ihn mag. Sie kommt auch.", 2),
        ("sl", "Videl sem ga. Potem je odšel.", 2),
        ("da", "Det er hans fru. Hun kommer nu.", 2),
        ("en", "She did one more rep. Then she went home.", 2),
        ("en", "He spoke to Prof.Smith yesterday.", 1),
    ],
)
def test_words_that_look_like_titles_end_sentences(segment, language, text, n_sentences):
    assert len(segment(text, language)) == n_sentences


@pytest.mark.parametrize("mark", [":", ";"])
def test_colons_before_small_letters_end_no_sentence(segment, mark):
    text = f"Old Mrs. Penhale, who has sold tickets for years, knew{mark} she looked at the gulls."
    assert len(segment(text, "en")) == 1


def test_sentences_in_small_letters_end_at_their_marks(segment):
    text = "i like it. you do not. he said no! we went home then. it was late."
    assert len(segment(text, "en")) == 5


@pytest.mark.parametrize("text", ["ภาษาไทยเป็นภาษาที่มีระดับเสียง", "ພາສາລາວ", "ភាសាខ្មែរ", "မြန်မာဘာသာ"])
def test_phrases_without_spaces_are_not_one_token(segment, text):
    assert len(segment(text, "xx")[0]) > 3


def test_tokenizers_together_remember_a_bounded_number_of_chunks():
    layer = BoundaryLayer(np.zeros(2, np.int8), np.zeros(2, np.int8))
    memory = ChunkMemory(most_chunks=8)
    together = [SpacedTokenizer([layer], memory=memory) for _ in range(3)]
    alone = SpacedTokenizer([layer])
    for text in ("Un chat, un chien.", "Ein Hund bellt (laut).", "A dog barks."):
        expected = alone.tokenize(text, [(0, len(text))])
        for tokenizer in together:
            block = tokenizer.tokenize(text, [(0, len(text))])
            assert (block.forms, block.sentence_ends) == (expected.forms, expected.sentence_ends)
        # Room is made before the chunks of a text are added.
        assert sum(len(tokenizer.table) for tokenizer in together) <= 8 + 4


def test_scores_are_the_same_after_sums_were_freed():
    layers = [
        BoundaryLayer(np.array(weights, np.int8), np.array(weights[::-1], np.int8))
        for weights in ([100, -3, 0, 7], [0, 0, 5, -2], [90, 0, 0, 0])
    ]
    scorer = BoundaryScorer(layers)
    features = np.arange(8, dtype=np.uint64).reshape(2, 4) << np.uint64(61)
    before = scorer.token_scores(features), scorer.end_scores(features)
    scorer.forget_sums()
    after = scorer.token_scores(features), scorer.end_scores(features)
    assert [scores.tolist() for scores in before] == [scores.tolist() for scores in after]
    total = np.array([190, -3, 5, 5])
    assert before[0].tolist() == total[(features >> np.uint64(62)).astype(int)].sum(1).tolist()


def test_few_languages_hold_sums_of_weights(monkeypatch):
    monkeypatch.setattr(chunk_table, "_MOST_SUMS", 1)
    layer = BoundaryLayer(np.zeros(2, np.int8), np.zeros(2, np.int8))
    memory = ChunkMemory()
    tokenizers = [SpacedTokenizer([layer], memory=memory) for _ in range(2)]
    freed = []
    for number, tokenizer in enumerate(tokenizers):
        monkeypatch.setattr(tokenizer.scorer, "forget_sums", partial(freed.append, number))
    for tokenizer in [*tokenizers, tokenizers[0]]:
        tokenizer.tokenize("Un chat.", [(0, 8)])
    assert freed == [0, 1]
