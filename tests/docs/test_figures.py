"""The figures of the documentation: readable on light and dark ground, shown in the README."""

import pytest

from tests.source_tree import ROOT

FIGURES = sorted((ROOT / "docs").glob("*.svg"))
_LIGHTNESS = """(all) => all.map((e) => getComputedStyle(e).fill.match(/[0-9.]+/g).slice(0, 3)
  .reduce((sum, v, i) => sum + v / 255 * [0.21, 0.72, 0.07][i], 0))"""


@pytest.mark.parametrize("figure", FIGURES, ids=lambda path: path.name)
def test_the_readme_shows_the_figure(figure):
    assert f"](docs/{figure.name})" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("figure", FIGURES, ids=lambda path: path.name)
def test_letters_stand_out_from_their_ground(browser, figure, scheme):
    page = browser.new_page(color_scheme=scheme)
    page.goto(figure.as_uri())
    [ground] = page.locator(".back").evaluate_all(_LIGHTNESS)
    letters = page.locator("text:not(.cell text)").evaluate_all(_LIGHTNESS)
    assert (ground > 0.9) == (scheme == "light")
    assert all(abs(letter - ground) > 0.7 for letter in letters)
    cells = page.locator(".cell rect").evaluate_all(_LIGHTNESS)
    numbers = page.locator(".cell text").evaluate_all(_LIGHTNESS)
    assert all(abs(number - cell) > 0.3 for number, cell in zip(numbers, cells, strict=True))
    page.close()
