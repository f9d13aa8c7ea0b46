import os
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes says more of the machine than of the code.
settings.register_profile("mtag", deadline=None)
settings.load_profile("mtag")


def pytest_addoption(parser):
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite expected output; review the diff"
    )


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
