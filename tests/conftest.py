import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of shared data: MTAG_SHARED, or `shared` beside the repository."""
    default = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("MTAG_SHARED", default))
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent: set MTAG_SHARED to the folder of shared data")
    return folder
