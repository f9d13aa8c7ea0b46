import zipfile

import pytest

from deploy.release import ReleaseError, check_content, check_version, main

NEEDED = (
    "mtag_core/py.typed",
    "mtag_core/wikipedia/template_names.txt",
    "pipelines/py.typed",
    "mtag_core/bundles/default/bundle.json",
    "mtag_core/bundles/default/tagger.onnx",
    "mtag_core/bundles/default/heads.onnx",
)


def _tree(folder, *, code, log):
    (folder / "mtag_core").mkdir()
    (folder / "mtag_core/__init__.py").write_text(f'__version__ = "{code}"\n')
    (folder / "CHANGELOG.md").write_text(f"# Changelog\n\n## [Unreleased]\n\n## [{log}] - soon\n")
    return folder


def _wheel(folder, *names, version="1.0"):
    path = folder / f"mtag-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "")
    return path


def test_the_version_is_that_of_the_changelog(tmp_path):
    assert check_version(_tree(tmp_path, code="1.0", log="1.0")) == "1.0"


def test_versions_that_differ_are_named(tmp_path):
    with pytest.raises(ReleaseError, match=r"version 1\.1, CHANGELOG\.md begins with 1\.0"):
        check_version(_tree(tmp_path, code="1.1", log="1.0"))


def test_a_wheel_has_all_that_is_needed(tmp_path):
    check_content(_wheel(tmp_path, *NEEDED), "1.0")


@pytest.mark.parametrize(
    ("names", "message"),
    [(NEEDED[1:], r"lacks \['mtag_core/py\.typed'\]"), ((*NEEDED, "tests/a.py"), "tests/a.py")],
)
def test_what_a_wheel_lacks_or_should_not_hold_is_named(tmp_path, names, message):
    with pytest.raises(ReleaseError, match=message):
        check_content(_wheel(tmp_path, *names), "1.0")


def test_a_wheel_of_another_version_is_named(tmp_path):
    with pytest.raises(ReleaseError, match=r"expected version 1\.1"):
        check_content(_wheel(tmp_path, *NEEDED), "1.1")


def test_this_tree_can_be_released(capsys):
    pytest.importorskip("setuptools", minversion="77", reason="builds the wheel without an index")
    assert main(["--offline"]) == 0, capsys.readouterr().err
    assert "built, installed and run" in capsys.readouterr().out
