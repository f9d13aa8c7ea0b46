import io
import sys

import pytest

from mtag_core.output.preview import Preview
from mtag_core.parts.counts import Tally
from mtag_core.parts.report import format_seconds
from pipelines.console import Progress, print_summary

_REPORT = {
    "counts": {"documents": 1234, "sentences": 5, "tokens": 99, "rejected": 3, "parts": 2},
    "rejects_by_reason": {"binary": 1, "invalid_utf8": 2},
    "pages_by_outcome": {},
    "tokens_by_language": {f"l{n:02}": 100 - n for n in range(20)},
}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (2.46, "2.5 s"), (59.4, "59 s"), (250, "4 min 10 s"), (11100, "3 h 5 min")],
)
def test_durations_are_written_for_people(seconds, text):
    assert format_seconds(seconds) == text


def test_a_cluster_has_no_folder_to_share():
    with Progress(n_bytes=1, n_parts=1, is_local=False) as progress:
        assert progress.directory is None
    assert progress.tally.n_tokens == 0


def test_a_line_says_how_much_is_read_and_what_is_left():
    with Progress(n_bytes=4 * 10**6, n_parts=3, is_local=False, n_completed=7) as progress:
        progress._start_s -= 10
        tally = Tally(n_documents=5, n_rejected=1, n_tokens=20_000, n_source_bytes=10**6, n_parts=1)
        line = progress._line(tally)
    assert line.startswith("25% of 4.0 MB, 0.10 MB/s, ")
    assert "30 s left; 1/3 parts and 7 from earlier runs, 5 documents, 1 rejected" in line
    assert progress._line(Tally()).startswith(
        "0% of 4.0 MB, 0.00 MB/s, 0 words/s, time left unknown;"
    )


def _times(*, elapsed_s, n_tokens, n_completed, n_pruned):
    return {
        "elapsed_s": elapsed_s,
        "tokens_per_s": n_tokens / elapsed_s if n_tokens else None,
        "parts_from_earlier_runs": n_completed,
        "parts_removed": n_pruned,
    }


def _shown(capsys, **changes):
    times = {"elapsed_s": 2.0, "n_tokens": 50, "n_completed": 1, "n_pruned": 0} | changes
    preview = Preview("in.txt", "fr", (("chat", "NOUN", "Gender=Masc"), ("[b]", "X", "_")))
    print_summary(_REPORT, _times(**times), previews=[preview], paths={"report": "o/run.json"})
    return capsys.readouterr().out


def test_counts_rejects_and_speed_are_shown(capsys):
    shown = _shown(capsys)
    assert "1,234" in shown
    assert "3: invalid_utf8 2, binary 1" in shown
    assert "25" in shown


def test_a_run_without_tokens_shows_no_list_of_languages(capsys):
    times = _times(elapsed_s=2.0, n_tokens=0, n_completed=0, n_pruned=0)
    print_summary(_REPORT | {"tokens_by_language": {}}, times, previews=[], paths={})
    assert "languages 0 rejected" in " ".join(capsys.readouterr().out.split())


def test_lemmas_are_shown_where_there_are_any(capsys):
    previews = [Preview("a.txt", "fr", (("chats", "NOUN", "_"), ("a", "X", "_")), ("chat", "b"))]
    times = _times(elapsed_s=2.0, n_tokens=50, n_completed=1, n_pruned=0)
    print_summary(_REPORT, times, previews=previews, paths={})
    words = capsys.readouterr().out.split()
    assert words[words.index("form") :][:4] == ["form", "lemma", "UPOS", "FEATS"]
    assert words[words.index("chats") :][:8] == ["chats", "chat", "NOUN", "_", "a", "b", "X", "_"]


def test_languages_that_are_not_trained_are_named(capsys):
    times = _times(elapsed_s=2.0, n_tokens=50, n_completed=1, n_pruned=0)
    untrained = {"untrained_tokens_by_language": {"sw": 7, "ha": 9}}
    print_summary(_REPORT | untrained, times, previews=[], paths={})
    assert "not trained 2: ha sw, 16 tokens" in " ".join(capsys.readouterr().out.split())


def test_pages_of_dumps_are_accounted_for(capsys):
    outcomes = {"empty": 1, "kept": 1500, "other_namespace": 2, "redirect": 3, "rejected": 4}
    times = _times(elapsed_s=2.0, n_tokens=50, n_completed=1, n_pruned=0)
    print_summary(_REPORT | {"pages_by_outcome": outcomes}, times, previews=[], paths={})
    shown = " ".join(capsys.readouterr().out.split())
    assert (
        "pages 1,510: kept 1,500, redirect 3, other namespace 2, empty 1, rejected 4 documents"
        in shown
    )


def test_only_the_largest_languages_are_named(capsys):
    shown = _shown(capsys)
    assert "20: l00 l01" in shown
    assert "and 8 more" in shown


def test_text_of_the_corpus_is_shown_as_it_is(capsys):
    assert "[b]" in _shown(capsys)


def test_text_of_the_corpus_cannot_steer_the_terminal(capsys):
    preview = Preview("in\x1b[31m.txt", "fr", (("a\x1b[2Jb", "X", "_"),))
    times = _times(elapsed_s=2.0, n_tokens=50, n_completed=1, n_pruned=0)
    print_summary(_REPORT, times, previews=[preview], paths={})
    shown = capsys.readouterr().out
    assert "\x1b" not in shown and "a\ufffd[2Jb" in shown


def test_removed_parts_are_mentioned_where_there_are_any(capsys):
    assert "removed" not in _shown(capsys)
    assert "4 parts whose input is gone" in _shown(capsys, n_pruned=4)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_encoding_of_standard_output_will_do(monkeypatch, encoding):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding))
    times = _times(elapsed_s=2.0, n_tokens=50, n_completed=1, n_pruned=0)
    previews = [Preview("\u4e00.txt", "zh", (("\u4e00", "NOUN", "_"),))]
    print_summary(_REPORT, times, previews=previews, paths={"report": "\u4e00/run.json"})
    sys.stdout.flush()
    printed = sys.stdout.buffer.getvalue().decode(encoding)
    assert ("\u4e00" if encoding == "utf-8" else "?") + "/run.json" in printed


def test_bugs_of_readers_stand_out(capsys):
    report = _REPORT | {"rejects_by_reason": {"binary": 7, "reader_failed": 2}}
    times = _times(elapsed_s=2.0, n_tokens=50, n_completed=1, n_pruned=0)
    print_summary(report, times, previews=[], paths={})
    shown = " ".join(capsys.readouterr().out.split())
    assert "3: reader_failed 2, binary 7" in shown
    assert "bugs 2 rejects reader_failed: please report them" in shown
