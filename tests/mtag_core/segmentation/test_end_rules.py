import pytest


def _cut(segmenter, language, text):
    return [" ".join(s.forms) for s in segmenter.segment(text.replace("‖", ""), language)]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fi", "– Minne menet? äiti kysyi. ‖– Ulos."),
        ("sv", "– Kom hit! ropade han. ‖– Nej."),
        ("vi", "– Con đi đâu đấy? – mẹ hỏi. ‖– Con đây."),
        ("cs", "Redaktor: Jak dlouho tu žijete? ‖Host: Asi 20 let."),
        ("de", "Meyer (Hrsg.): Geschichte der Stadt Köln. ‖Gut."),
        ("sk", "Podľa § 5 zákona sa žaloba zamieta. ‖Platí."),
        ("pl", "Różnica była istotna (p < 0,05). ‖Dobrze."),
        ("it", "Il pane è buono (n = 5; vedi sotto). ‖Bene."),
        ("ko", "그는 1931. 5. 3. 부산에서 태어났다. ‖그는 죽었다."),
        ("cs", "Píši ze dne 3. 5. 2021. ‖Smlouvu posílám."),
        ("cs", "Branky: 12. Haraslín, 78. Kuchta. ‖Konec."),
        ("hr", "Prema čl. 12. st. 2. Zakona o radu tužba se odbija. ‖Gotovo."),
        ("tr", "slm nbr? ‖iyiyim ya"),
    ],
)
def test_sentences_end_where_they_do(bundled_segmenter, language, text):
    sentences = list(bundled_segmenter.segment(text.replace("‖", ""), language))
    assert [s.text for s in sentences] == [part.strip() for part in text.split("‖")]


def test_a_label_ends_a_sentence_where_the_treebank_says_so(bundled_segmenter):
    assert len(_cut(bundled_segmenter, "no", "Oslo: Han kom i går.")) == 2


@pytest.mark.parametrize(
    ("language", "text", "tokens"),
    [
        ("en", "He came 3rd.", "He came 3rd ."),
        ("en", "It was on 12/31 or so.", "It was on 12/31 or so ."),
        ("cs", "Zákon č. 89/2012 platí.", "Zákon č . 89/2012 platí ."),
        ("cs", "Ing. Jan Novák, Ph.D.", "Ing . Jan Novák , Ph . D ."),
        ("fr", "Viens-tu ?", "Viens -tu ?"),
        ("es", "¡¡¡Carísimo!!!", "¡¡¡ Carísimo !!!"),
        ("de", "**Wichtig:** Halt!", "** Wichtig : ** Halt !"),
        ("hr", "Radi pon.–pet. uvijek.", "Radi pon . – pet. uvijek ."),
        ("es", "Usa get_name() siempre.", "Usa get_name ( ) siempre ."),
    ],
)
def test_marks_part_from_words_or_stay_on_both_sides(bundled_segmenter, language, text, tokens):
    assert " ".join(_cut(bundled_segmenter, language, text)) == tokens


@pytest.mark.parametrize("text", ["- [x] Müll hinausgetragen", "- [ ] Blumen gegossen"])
def test_the_box_of_a_task_is_no_sentence(bundled_segmenter, text):
    assert len(_cut(bundled_segmenter, "de", text)) == 1


def test_narrow_lines_are_joined_where_a_margin_parts_words(bundled_segmenter):
    text = "De rege-\nring heeft be-\nsloten de wet in te trek-\nken."
    assert len(_cut(bundled_segmenter, "nl", text)) == 1
    assert len(_cut(bundled_segmenter, "nl", text.replace("-\n", " en\n"))) == 4
