from mtag_core.output.layout import MANIFESTS, PARTS, OutputLayout
from mtag_core.output.writers import OutputFormat

_ID = "0123456789abcdef"


def test_only_files_with_our_names_are_ours(tmp_path):
    layout = OutputLayout(str(tmp_path), OutputFormat("jsonl", "none"))
    for folder, name in ((PARTS, f"part-{_ID}.parquet"), (PARTS, "part-1.parquet")):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).touch()
    assert list(layout.own_files(PARTS)) == [_ID]
    assert layout.own_files(MANIFESTS) == {}
