"""What once failed, made by code and cut to a size that is tried in a millisecond."""

import datetime
import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.mtag_core.wikipedia.dumps import dump_xml, page_xml

_SENTENCE = (
    "1\tDer\tder\tDET\t_\t_\t0\troot\t_\t_\n2\tz.B.\t_\tX\t_\t_\t1\tdep\t_\tSpaceAfter=No\n\n"
)
_TEXTS = [
    "Ana reads a book. It is fine.\n\nA second paragraph, with 3.14 and e.g. this.\n",
    "Mr. Smith's car… “well,” he said, ‘isn't’ it\u2028here?\u0085there\n",
    "Dann kam z.B. Anna; das ist (u.a.) gut. 1. FC Köln. »So«!\n",
    "这是一句话。第二句！日本語の文です。\n",
    "שָׁלוֹם עולם. مرحبا بالعالم؟\n",
    "a\n" * 200,
    " \u200f\ufeff\t" * 40,
    "👩\u200d💻 🇩🇪 e\u0301\u0301\u0301 @user #tag https://a.b/c?d=e :-)\n",
    "aux du des à la l' qu'il va-t-il donne-le-moi\nvamos dámelo del al\n",
    "A" * 600 + " " + "." * 300 + "\n",
    "ภาษาไทย कार போனான் հայերեն։\n",
]

TEXT = [text.encode() for text in _TEXTS] + [
    b"",
    b"\n\n\n",
    b"half a pair \xed\xa0\x80 here",
    b"caf\xe9 au lait",
    b"Some \x00 text.",
    "\ufeffmark".encode("utf-16"),
    "\ufeff\nx".encode(),
    "👩".encode("utf-32"),
    b"\x1f\x8b\x08broken",
]

JSONL = [
    *(b'{"text": "%s", "id": "%d"}\n{"text": "b"}\n' % (b"Ana reads.", n) for n in range(2)),
    b'[{"text": "a"},\n{"text": "b", "more": {"text": []}}]\n',
    b'{\n "text":\n "a"\n}\n{\n "text": "b"}',
    b'{"text": ' + b"9" * 5000 + b"}\n",
    b"[" * 3000,
    b'{"text": "\\ud800", "id": 1e999}\n{"text": null}\n{"id": 1}\n"text"\n7\n',
    b'{"text": "a", "text": "b"}\r\n\r\n{"text": "\xff"}\n',
    '{"text": "a\u2028b\u0085c"}\n'.encode(),
]

CONLLU = [
    ("# newdoc id = a\n# sent_id = 1\n# text = Der z.B.\n" + _SENTENCE).encode() * 2,
    b"# newdoc id =" + b" " * 800 + b"x\n" + _SENTENCE.encode(),
    b"# text = a" + b" " * 1500 + b"b\n" + _SENTENCE.encode(),
    _SENTENCE.replace("1\t", "9" * 4301 + "\t", 1).encode(),
    b"1-2\tdel\t_\t_\t_\t_\t_\t_\t_\t_\n1\tde\t_\tADP\t_\t_\t0\troot\t_\t_\n2\tel\t_\tDET\t_\t_\t1\tdet\t_\t_\n",
    b"# language = de\n1.1\ta\t_\tX\t_\t_\t_\t_\t_\t_\n" + _SENTENCE.encode(),
    ("\ufeff# newpar\n" + _SENTENCE.replace("Der", "a\u2028b\u0085c")).encode(),
    b"1\tno\n\nno\n",
]

_WIKITEXT = [
    "'''Ana''' [[reads|read]] a ''book''.<ref>x</ref>\n\n"
    "== H ==\n* item\n{{cite|a}}\n{|\n|cell\n|}\n",
    "{{convert|1|-|" * 40 + "1" + "}}" * 40,
    "&#" + "9" * 4301 + "; &copy 5 n<k &nosuch; &#x110000;",
    "{{" * 60 + "a" + "}}" * 60,
    "[[" * 60 + "a" + "]]" * 60,
    "<nowiki>[[x]]</nowiki><math>a</math><!-- x --><ref name=a /><ref>y",
    "-{zh-hans:A; zh-hant:B}- -{H|zh:x}- -{",
    "'''''a''b''' ''''c'' ''d''s",
    "{{{1|{{{2|}}}}}} {{#if:a|b|c}} {{lang|fr|mot}} {{date|1|2|2003}}",
    "#REDIRECT [[x]]",
    "{{convert|" + "1|-|" * 60 + "}}",
]

MEDIAWIKI = [
    *(dump_xml(page_xml(text), page_xml("Second page.", page_id=2)) for text in _WIKITEXT),
    dump_xml(page_xml("x", namespace=14), page_xml("y", redirect="z"), page_xml("")),
    dump_xml().replace(b"<mediawiki", b'<?xml version="1.0" encoding="x-none"?><mediawiki'),
    b'<!DOCTYPE a [<!ENTITY b "c">]>' + dump_xml(page_xml("&b;")),
    dump_xml(page_xml("a")).replace(b"<text", b"<te<xt"),
    dump_xml().replace(b"<mediawiki", b'<?xml version="1.0" encoding="x\0y"?><mediawiki'),
    dump_xml(*(page_xml("b", page_id=i) for i in range(4))).replace(b"<page>", b"<page   >"),
]


def _parquet(columns: Any, **options: Any) -> bytes:
    stream = io.BytesIO()
    pq.write_table(
        columns if isinstance(columns, pa.Table) else pa.table(columns), stream, **options
    )
    return stream.getvalue()


PARQUET = [
    _parquet({"text": ["Ana reads.", "b"], "id": [1, 2]}),
    _parquet({"text": ["a"] * 9, "id": list("abcdefghi")}, row_group_size=2, compression="gzip"),
    _parquet({"text": ["a", None], "id": [datetime.date(1, 1, 1), None]}),
    _parquet({"text": ["a"], "id": [datetime.timedelta(1)]}),
    _parquet({"text": pa.array(["a", "b"]).dictionary_encode(), "id": [0.5, None]}),
    _parquet({"text": [{"text": "a"}], "id": [["x"]]}),
    _parquet(pa.table([["a"], ["b"]], names=["text", "text"])),
    _parquet(pa.table({})),
    _parquet({"id": pa.array([2**62], pa.timestamp("us", "Nowhere/Else")), "text": ["a"]}),
    b"PAR1PAR1",
]

DELIMITED = [
    b'text,id\nAna reads.,1\n"she\nsays ""no""",2\n',
    b'id;text\r\n1;"a;b"\r\n\r\n2;c"d"e\r\n',
    b'text\n"open\n' + b"row\n" * 50,
    b"text,text\na,b\n",
    b"\xef\xbb\xbftext|id\n\xff|1\n",
    b'"' * 99,
]

HTML = [
    b"<!doctype html><html><body><nav>x</nav><main><p>Ana reads a book.</p></main></body></html>",
    b"<html><p>a<p>b<table><td>c<script>d</script><pre> e\n f</pre>",
    "<meta charset=windows-1252><p>Grüße</p>".encode("cp1252"),
    b"<div>" * 200 + b"a" + b"</div>" * 100,
    "\ufeff<html><p>Ana</p>".encode("utf-16"),
]


def _answer(body: bytes) -> bytes:
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body
    names = ("WARC-Type: response", "WARC-Target-URI: http://a.example/b", "WARC-Record-ID: <x:1>")
    more = (
        "WARC-Date: 2020-01-01T00:00:00Z",
        "Content-Type: application/http; msgtype=response",
        f"Content-Length: {len(answer)}",
    )
    header = "\r\n".join(["WARC/1.0", *names, *more]).encode()
    return header + b"\r\n\r\n" + answer + b"\r\n\r\n"


WARC = [_answer(HTML[0]) + _answer(HTML[1]), _answer(b""), _answer(HTML[3])]
