import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests.browser import browser  # noqa: F401 (a fixture of all tests)

# How long an example takes says more of the machine than of the code.
settings.register_profile("mtag", deadline=None)
settings.load_profile("mtag")


def pytest_addoption(parser):
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite expected output; review the diff"
    )
    parser.addoption(
        "--no-skips",
        action="store_true",
        help="fail if a test is skipped for another reason than absent shared data",
    )


_forbidden_skips: list[str] = []


def pytest_runtest_logreport(report):
    _note_skip(report)


def pytest_collectreport(report):
    _note_skip(report)


def _note_skip(report):
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        if "is absent" not in reason:
            _forbidden_skips.append(f"{report.nodeid}: {reason}")


def pytest_sessionfinish(session):
    if session.config.getoption("--no-skips") and _forbidden_skips:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    if config.getoption("--no-skips") and _forbidden_skips:
        terminalreporter.section("skipped, which --no-skips forbids")
        for line in _forbidden_skips:
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of shared data: MTAG_SHARED, or `shared` beside the repository."""
    default = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("MTAG_SHARED", default))
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent: set MTAG_SHARED to the folder of shared data")
    return folder


@pytest.fixture
def update_golden(request) -> bool:
    """Whether expected output is written anew."""
    return request.config.getoption("--update-golden")
