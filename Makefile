.PHONY: check format fuzz lint lock types test

check: lint types test

format:
	ruff format .
	ruff check --fix .

lint:
	ruff format --check .
	ruff check .

types:
	mypy

test:
	python -m pytest

# 100,000 inputs a target; 2,000 of them are part of the tests.
fuzz:
	MTAG_FUZZ_INPUTS=100000 python -m pytest tests/fuzz --timeout=0

# Takes the newest versions that pyproject.toml allows, for every Python that it allows.
lock:
	$(LOCK) --extra dev --extra s3 --extra gcs --output-file requirements.lock
	$(LOCK) --extra corpus --extra s3 --extra gcs --output-file deploy/requirements.lock
	$(LOCK) --extra gcs --extra dataflow --output-file deploy/dataflow/requirements.lock
	$(LOCK) --extra serve --output-file deploy/serve/requirements.lock

LOCK = uv pip compile --quiet --universal --generate-hashes --no-header --upgrade --python-version 3.11 pyproject.toml
