import pytest

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
