import pytest

from mtag_core.parts.counts import Tally
from pipelines.progress import Progress, format_seconds


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
