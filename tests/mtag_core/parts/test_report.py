import re
from html.parser import HTMLParser

from mtag_core.parts.outcome import RejectExample, ReportData
from mtag_core.parts.report import report_html

_VOID = {"meta", "br", "input"}
_REPORT = {
    "config": {"inputs": ["in/*.txt"], "format": "parquet", "read": {"id_field": None, "x": 1}},
    "counts": {
        "documents": 1500,
        "tagged": 1498,
        "rejected": 2,
        "sentences": 9,
        "tokens": 100,
        "parts": 3,
    },
    "rejects_by_reason": {"binary": 1, "truncated": 1},
    "untrained_tokens_by_language": {"xx": 40},
    "tokens_by_language": {"fr": 60, "xx": 40} | {f"l{n:02}": 1 for n in range(30)},
    "tokens_by_upos": {"NOUN": 75, "VERB": 25},
    "pages_by_outcome": {},
}
_EXAMPLE = RejectExample(
    "d<1>", 'bad "x" & <y>', "<script>alert(1)</script>", "rejects/part-a.jsonl"
)


class _Checker(HTMLParser):
    """Keeps the open elements and the addresses of a page."""

    def __init__(self):
        super().__init__()
        self.open, self.addresses = [], []

    def handle_starttag(self, tag, attrs):
        self.addresses += [value for name, value in attrs if name in ("href", "src", "action")]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def _page(examples=None, **changes):
    return report_html(_REPORT | changes, ReportData(examples=examples or {}))


def test_every_element_is_closed_and_no_address_leads_elsewhere():
    checker = _Checker()
    checker.feed(_page({"binary": [_EXAMPLE]}))
    assert checker.open == []
    assert "rejects/part-a.jsonl" in checker.addresses
    assert [address for address in checker.addresses if ":" in address or address[0] == "/"] == []


def test_the_page_loads_nothing():
    page = _page({"binary": [_EXAMPLE]})
    assert "default-src 'none'" in page
    assert page.count("<script>") == 1
    assert not re.search(r"<script |<link|<img|<iframe|@import|url\(|fetch\(", page)


def test_text_of_the_corpus_is_escaped():
    page = _page({"binary": [_EXAMPLE]})
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "d&lt;1&gt;" in page and "bad &quot;x&quot; &amp; &lt;y&gt;" in page


def test_counts_and_shares_are_shown():
    page = _page()
    assert "<b>1,500</b>" in page
    assert re.search(r"NOUN.*75 .*75\.0%", page)


def test_languages_are_named_longest_bar_first_and_the_last_folded():
    page = _page()
    assert page.index("French (fr)") < page.index(">xx, not trained<") < page.index("<details>")
    assert "12 more, 12 tokens" in page


def test_reasons_are_explained():
    assert "The file ends in the middle" in _page()


def test_pages_of_dumps_are_shown_where_there_are_any():
    assert "Pages of dumps" not in _page()
    outcomes = {"kept": 3, "redirect": 1, "other_namespace": 0, "empty": 0, "rejected": 0}
    assert "4 pages; each has one outcome" in _page(pages_by_outcome=outcomes)


def test_a_run_without_rejects_or_tokens_says_so():
    page = _page(rejects_by_reason={}, tokens_by_language={}, tokens_by_upos={})
    assert "Nothing was rejected" in page and "None." in page
