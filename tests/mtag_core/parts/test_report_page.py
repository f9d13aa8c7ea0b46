"""The report in a browser: its parts, sorting and filtering, dark, light and on a phone."""

import pytest

from mtag_core.output.count_tables import CountSummary
from mtag_core.output.preview import Preview
from mtag_core.parts.outcome import RejectExample, ReportData
from mtag_core.parts.report import report_html

_LONG = "x" * 5000
_MOST_BYTES = 2_000_000
_WORDS = [
    ("en", "DET", "the", 900),
    ("de", "NOUN", "Haus", 70),
    ("ar", "NOUN", "\u0628\u064a\u062a", 8),
    ("en", "NOUN", "<b>house</b>", 1000),
]
_COUNTS = CountSummary(
    upos_by_language={"en": {"DET": 900, "NOUN": 1000}, "de": {"NOUN": 70}, "la": {"NOUN": 1}},
    confidence={"0.50": 10, "0.95": 1961},
    sources=[("in/a.txt", 1, 0, 9, 1900), ("in/\u0628.txt", 0, 2, 0, 71)],
    n_sources=2,
    documents=[("in/a.txt", 1900, {"DET": 900, "NOUN": 1000}), ("d2", 71, {"NOUN": 71})],
    words=_WORDS,
)
_REPORT = {
    "config": {"inputs": ["in/"], "format": "parquet", "model": "f" * 64},
    "counts": {
        "documents": 4,
        "tagged": 2,
        "rejected": 2,
        "sentences": 9,
        "tokens": 1971,
        "parts": 1,
    },
    "generators": ["mtag 9.8.7, bundle sha256:" + "f" * 64],
    "rejects_by_reason": {"invalid_utf8": 2},
    "tokens_by_language": {"en": 1900, "de": 70, "la": 1},
    "tokens_by_upos": {"NOUN": 1071, "DET": 900},
    "pages_by_outcome": {},
}
_DATA = ReportData(
    counts=_COUNTS,
    samples=[
        Preview("in/a.txt", "en", (("The", "DET", "Definite=Def"), ("house", "NOUN", "_"))),
        Preview("in/\u0628.txt", "ar", (("\u0628\u064a\u062a", "NOUN", "_"),), ("\u0628",)),
    ],
    examples={
        "invalid_utf8": [
            RejectExample("in/b.txt", "bytes b'\\xff' at 0", "", "rejects/part-a.jsonl"),
            RejectExample("in/c.txt", "bytes b'\\xfe' at 0", "head", "rejects/part-a.jsonl"),
        ]
    },
)
_TIMES = [
    {
        "ended": "2026-01-02T03:04:05Z",
        "elapsed_s": 75.2,
        "tokens": 1971,
        "tokens_per_s": 26.2,
        "version": "9.8.7",
        "throughput": [[0, 0], [10, 400], [20, 700], [75.2, 1971]],
    },
    {"ended": "2026-01-01T03:04:05Z", "elapsed_s": 5.0, "tokens_per_s": None},
]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(report_html(_REPORT, _DATA, _TIMES), encoding="utf-8")
    return path


@pytest.fixture
def page(browser, path):
    page = browser.new_page()
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text))
    page.goto(path.as_uri())
    yield page
    assert faults == []
    page.close()


def _section(page, title):
    return page.locator("section", has=page.locator("h2", has_text=title))


def _column(section, number):
    return section.locator(f"tbody tr:not([hidden]) td:nth-child({number})").all_inner_texts()


def test_the_head_says_when_by_what_and_how_fast(page):
    head = page.locator("header").inner_text()
    assert "2026-01-02 03:04:05Z" in head and "mtag 9.8.7, bundle sha256:fff" in head
    tiles = page.locator(".tile").all_inner_texts()
    assert [tile.split("\n")[0] for tile in tiles][-2:] == ["1 min 15 s", "26"]


def test_runs_have_a_line_of_throughput_and_a_row_each(page):
    runs = _section(page, "Runs")
    assert len(runs.locator("polyline").get_attribute("points").split(" ")) == 3
    assert "up to 40" in runs.inner_text()
    assert _column(runs, 1) == [times["ended"] for times in _TIMES]


def test_languages_under_a_thousandth_are_folded(page):
    languages = _section(page, "Languages (3")
    assert languages.locator(".bars .name").all_inner_texts()[:2] == ["English (en)", "German (de)"]
    folded = languages.locator("details")
    assert folded.locator("summary").inner_text() == "1 more, 1 tokens"
    assert not folded.get_by_text("Latin (la)").is_visible()
    folded.locator("summary").click()
    assert folded.get_by_text("Latin (la)").is_visible()


def test_confidence_has_a_bar_each_twentieth_down_to_the_lowest(page):
    bars = _section(page, "Confidence").locator(".name").all_inner_texts()
    assert (bars[0], bars[-1], len(bars)) == ("0.95 to 1.00", "0.50 to 0.55", 10)


def test_parts_of_speech_by_language_are_percents(page):
    table = _section(page, "by language")
    assert table.locator("tbody tr").first.inner_text().split() == [
        *("English", "(en)", "1,900", "47.4", "52.6")
    ]


def test_a_click_on_a_head_sorts_numbers_downwards_and_words_upwards(page):
    words = _section(page, "Words")
    assert _column(words, 4) == ["1,000", "900", "70", "8"]
    head = words.locator("th", has_text="tokens")
    head.locator("button").click()
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert _column(words, 4) == ["8", "70", "900", "1,000"]
    words.locator("th button", has_text="language").click()
    assert _column(words, 1)[0] == "Arabic (ar)"
    assert head.get_attribute("aria-sort") is None


def test_words_are_found_by_what_a_row_holds(page):
    words = _section(page, "Words")
    words.locator("input").fill("english noun")
    assert _column(words, 3) == ["<b>house</b>"]
    words.locator("input").fill("")
    assert len(_column(words, 3)) == 4


def test_documents_and_files_are_tables(page):
    assert _column(_section(page, "Documents"), 3) == ["900", "0"]
    assert _column(_section(page, "Input files"), 3) == ["0", "2"]


def test_samples_are_coloured_and_run_in_their_direction(page):
    samples = _section(page, "2 sentences")
    tokens = samples.locator("span[title]")
    colours = tokens.evaluate_all("all => all.map(e => getComputedStyle(e).backgroundColor)")
    assert colours[0] != colours[1] == colours[2]
    assert tokens.first.get_attribute("title") == "Definite=Def"
    directions = samples.locator("div[lang]").evaluate_all(
        "all => all.map(e => getComputedStyle(e).direction)"
    )
    assert directions == ["ltr", "rtl"]


def test_a_reason_has_what_helps_and_its_first_example(page):
    rejects = _section(page, "Rejects")
    assert "What helps: --encoding names another encoding" in rejects.inner_text()
    assert rejects.get_by_text("in/b.txt").is_visible()
    assert not rejects.get_by_text("in/c.txt").is_visible()


def test_dark_and_light_differ_and_both_can_be_read(browser, path, tmp_path):
    contrast = """() => {
      const light = (c) => c.match(/[0-9.]+/g).slice(0, 3).map(Number)
        .reduce((sum, v, i) => sum + v / 255 * [0.21, 0.72, 0.07][i], 0);
      const style = getComputedStyle(document.body);
      return [light(style.color), light(style.backgroundColor)];
    }"""
    images = []
    for scheme in ("light", "dark"):
        page = browser.new_page(color_scheme=scheme)
        page.goto(path.as_uri())
        ink, ground = page.evaluate(contrast)
        assert (ink < 0.2 and ground > 0.8) if scheme == "light" else (ink > 0.8 and ground < 0.2)
        images.append(page.screenshot(path=tmp_path / f"{scheme}.png", full_page=True))
        page.close()
    assert images[0] != images[1]


def test_on_a_phone_only_tables_scroll_sideways(browser, path, tmp_path):
    page = browser.new_page(viewport={"width": 360, "height": 740})
    page.goto(path.as_uri())
    page.screenshot(path=tmp_path / "phone.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.close()


def test_the_largest_report_is_under_two_megabytes():
    upos = [f"UPOS{n}" for n in range(17)]
    counts = CountSummary(
        upos_by_language={f"l{n}": dict.fromkeys(upos, 10**9) for n in range(300)},
        confidence={f"{n / 20:.2f}": 10**9 for n in range(20)},
        sources=[(_LONG, 10**9, 10**9, 10**9, 10**9)] * 200,
        n_sources=10**9,
        documents=[(_LONG, 10**9, dict.fromkeys(upos, 10**9))] * 200,
        words=[("en", "NOUN", _LONG, 10**9)] * 1000,
    )
    sample = Preview(_LONG, "en", (("word" * 20, "NOUN", "Case=Nom|Number=Sing"),) * 24)
    example = RejectExample(_LONG, _LONG, "x" * 160, "rejects/part-a.jsonl")
    reasons = [f"reason_{n}" for n in range(30)]
    data = ReportData(counts, [sample] * 20, {reason: [example] * 3 for reason in reasons})
    report = {
        **_REPORT,
        "rejects_by_reason": dict.fromkeys(reasons, 10**9),
        "config": {"inputs": [_LONG] * 10_000, "format": "parquet"},
        "tokens_by_language": {f"l{n}": 10**9 for n in range(300)},
    }
    assert len(report_html(report, data, _TIMES * 10).encode()) < _MOST_BYTES
