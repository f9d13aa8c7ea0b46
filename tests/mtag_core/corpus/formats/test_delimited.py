import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mtag_core.corpus.conftest import documents, read_path, reasons


@pytest.mark.parametrize(("name", "delimiter"), [("a.csv", ","), ("a.csv", ";"), ("a.tsv", "\t")])
def test_rows_are_documents_with_their_offsets(read, name, delimiter):
    rows = [["k", "text"], ["x", "Ana reads."], ["", '"she\nsays ""no"""']]
    data = "\n".join(map(delimiter.join, rows)).encode()
    first, second = read(data, name, id_field="k")
    assert (first.doc_id, first.text, first.offset) == ("x", "Ana reads.", 7)
    assert second.doc_id.endswith(f"{name}#20")
    assert second.text == 'she\nsays "no"'


@pytest.mark.parametrize("text", ['A "word" before\na break.', '"\n"', 'a\n""b""\n"c'])
def test_quotes_before_line_ends_do_not_end_a_field(read, text):
    quoted = text.replace('"', '""')
    data = f'n;text;date\r\n1;"{quoted}";2020\r\n2;"Next.";2021\r\n'.encode()
    assert [document.text for document in read(data, "a.csv")] == [text, "Next."]


def test_a_bad_row_costs_itself(read):
    data = b'text,n\na,1\nb\n\n"c\xff",2\nd"d,3\n"e,4\ne" f,4\ng,5\n'
    results = read(data, "a.csv")
    assert [d.text for d in documents(results)] == ["a", 'd"d', "g"]
    assert reasons(results) == ["invalid_csv", "invalid_utf8", "invalid_csv"]
    assert "1 fields; expected 2" in results[1].detail
    assert results[1].input == b"b"


def test_a_quote_that_does_not_end_costs_no_more_than_the_limit(read):
    rows = b"".join(b"row number %d\n" % n for n in range(20))
    results = read(b'text\n"open\n' + rows, "a.csv", max_document_bytes=100)
    assert reasons(results) == ["document_too_large"]
    assert documents(results)[-1].text == "row number 19"


def test_a_missing_column_is_named_with_those_there_are(read):
    results = read(b"a,b\n1,2\n", "a.csv")
    assert reasons(results) == ["missing_field"]
    assert "no field 'text'; fields found: a, b" in results[0].detail


@pytest.mark.parametrize("head", [b"text\rJ,n\n", b'"' + b"x" * 200 + b"\n"])
def test_names_that_cannot_be_parsed_cost_the_file_one_reject(read, head):
    assert reasons(read(head + b"a,1\nb,2\n", "a.csv", max_document_bytes=100)) == ["invalid_csv"]


def test_an_empty_file_and_one_of_names_alone_hold_no_document(read):
    assert read(b"", "a.csv") == read(b"text\n", "a.csv") == []


def test_another_encoding_is_read_when_named(read):
    data = "id;text\n1;Grüße\n".encode("cp1252")
    assert reasons(read(data, "a.csv")) == ["invalid_utf8"]
    assert documents(read(data, "a.csv", encoding="cp1252"))[0].text == "Grüße"


_CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=9)


@given(st.lists(_CELLS, max_size=6))
def test_any_texts_come_out_as_they_went_in(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    rows = ['"{}","{}"'.format(n, text.replace('"', '""')) for n, text in enumerate(texts)]
    path.write_text("\n".join(["n,text", *rows]), "utf-8", newline="")
    assert [d.text for d in read_path(str(path))] == texts


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_spreadsheet_may_say_what_parts_the_columns(read, mark):
    (document,) = read(mark + b"sep=;\r\nid;text\r\n1;a, b, c\r\n", "a.csv", id_field="id")
    assert (document.doc_id, document.text) == ("1", "a, b, c")


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (b"text,n,text\na,1,b\n", "2 columns named 'text'; expected one"),
        (b"n\ttext\r1\ta\r", "lines that end in a carriage return alone"),
    ],
)
def test_names_that_say_nothing_sure_cost_the_file_one_reject(read, data, detail):
    (reject,) = read(data, "a.tsv" if b"\t" in data else "a.csv")
    assert reject.reason == "invalid_csv"
    assert detail in reject.detail


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.conllu", "a.txt"])
def test_an_archive_under_another_name_is_one_reject(read, name):
    results = read(b"PK\x03\x04" + b"{x\n\xff\n" * 100, name)
    assert reasons(results) == ["not_text"]
