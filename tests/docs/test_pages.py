"""Runs what pages tell to run: blocks behind `<!-- run -->`, in order, in one folder.

What a block prints is compared with the block behind `<!-- prints -->` where one follows it; after
a change of the model: `pytest --update-golden tests/docs/test_pages.py`.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass

import pytest

from tests.source_tree import ROOT

PAGES = ("docs/quickstart.md", "docs/reading-output.md")
_BLOCK = re.compile(
    r"<!-- run -->\n```(?P<language>\w*)\n(?P<code>.*?)```\n"
    r"(?:\n<!-- prints -->\n```\n(?P<prints>.*?)```\n)?",
    re.DOTALL,
)
_PROGRAMS = {"": ["bash", "-euo", "pipefail"], "python": [sys.executable], "r": ["Rscript"]}


@dataclass(frozen=True)
class Block:
    language: str
    code: str
    prints: str | None


def sections(page):
    """Title to blocks, for each section of a page; what stands before the first one is `""`."""
    text = (ROOT / page).read_text("utf-8")
    parts = re.split(r"^## (.*)$", text, flags=re.MULTILINE)
    titles = ["", *parts[1::2]]
    return {
        title: [Block(m["language"], m["code"], m["prints"]) for m in _BLOCK.finditer(part)]
        for title, part in zip(titles, parts[::2], strict=True)
    }


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A folder for each page, like a clone with the program `mtag` in the path."""

    def make(page):
        if page not in made:
            folder = made[page] = tmp_path_factory.mktemp("page")
            (folder / "sample_data").symlink_to(ROOT / "sample_data")
            for block in sections(page)[""]:
                run(block, folder)
        return made[page]

    made = {}
    return make


def run(block, folder):
    programs = folder / "bin"
    if not programs.exists():
        programs.mkdir()
        for name, words in (("python", ""), ("mtag", " -m pipelines.commands")):
            (programs / name).write_text(f'#!/bin/sh\nexec {sys.executable}{words} "$@"\n')
            (programs / name).chmod(0o755)
    suffix = {"": "sh", "python": "py", "r": "R"}[block.language]
    (folder / f"block.{suffix}").write_text(block.code, "utf-8")
    path = os.pathsep.join([str(programs), os.environ["PATH"]])
    own = {"PATH": path, "PYTHONPATH": str(ROOT), "HF_HOME": str(folder / "hf"), "COLUMNS": "100"}
    done = subprocess.run(
        [*_PROGRAMS[block.language], f"block.{suffix}"],
        cwd=folder,
        env=os.environ | own | {"HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, block.code + done.stdout + done.stderr
    return done.stdout


def shown(text):
    return [line.rstrip() for line in text.split("\n") if line.strip()]


SECTIONS = [
    pytest.param(page, title, id=f"{page.rpartition('/')[2]}: {title}")
    for page in PAGES
    for title, blocks in sections(page).items()
    if title and blocks
]


@pytest.mark.parametrize(("page", "title"), SECTIONS)
def test_what_a_page_tells_to_run_runs(page, title, folders, update_golden):
    blocks = sections(page)[title]
    needed = {_PROGRAMS[block.language][0] for block in blocks}
    if missing := [program for program in needed if shutil.which(program) is None]:
        pytest.skip(f"{missing[0]} is absent")
    folder = folders(page)
    for block in blocks:
        printed = run(block, folder)
        if block.prints is None:
            continue
        if update_golden:
            text = (ROOT / page).read_text("utf-8")
            old, new = (
                f"{block.code}```\n\n<!-- prints -->\n```\n{each}```\n"
                for each in (
                    block.prints,
                    "".join(f"{line}\n" for line in shown(printed)),
                )
            )
            (ROOT / page).write_text(text.replace(old, new), "utf-8")
        else:
            assert shown(printed) == shown(block.prints)


def test_every_page_has_something_to_run():
    assert {page for page in PAGES if not any(sections(page).values())} == set()
