import pytest

from mtag_core.storage import split_patterns
from tests.mtag_core.storage.test_http import serve


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("Berg, Tal.txt", "a.txt", "b.txt", "a,b/c,d.txt", "1,2,3.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("value", "patterns"),
    [
        ("a.txt,b.txt", ["a.txt", "b.txt"]),
        ("Berg, Tal.txt", ["Berg, Tal.txt"]),
        ("Berg, T*.txt", ["Berg, T*.txt"]),
        ("a.txt,Berg, Tal.txt,b.txt", ["a.txt", "Berg, Tal.txt", "b.txt"]),
        ("1,2,3.txt,a.txt", ["1,2,3.txt", "a.txt"]),
        ("a,b", ["a,b"]),
        ("a,b/", ["a,b/"]),
        ("a,b/*.xml", ["a,b/*.xml"]),
        ("a,b/c,d.txt,no.txt", ["a,b/c,d.txt", "no.txt"]),
        ("no,such", ["no", "such"]),
        (",a.txt,,", ["a.txt"]),
        ("", []),
    ],
)
def test_commas_part_patterns_but_not_names(folder, value, patterns):
    assert list(split_patterns([value])) == patterns


def test_a_url_may_hold_a_comma():
    with serve(files={"/a,b.txt": b"x", "/c.txt": b"y"}) as (_, url):
        assert split_patterns([f"{url}/a,b.txt"]) == (f"{url}/a,b.txt",)
        joined = f"{url}/c.txt,{url}/a,b.txt"
        assert split_patterns([joined]) == (f"{url}/c.txt", f"{url}/a,b.txt")
