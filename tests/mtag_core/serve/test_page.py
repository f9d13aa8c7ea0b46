import pytest

from mtag_core.serve.app import Limits
from tests.mtag_core.serve.fake_server import running_server


@pytest.fixture(scope="module")
def port():
    with running_server(limits=Limits(5000, 8, 60.0)) as port:
        yield port


@pytest.fixture
def page(browser, port):
    page = browser.new_page()
    page.set_default_timeout(20_000)
    errors = []
    page.on("pageerror", lambda error: errors.append(error))
    page.goto(f"http://127.0.0.1:{port}/")
    yield page
    page.close()
    assert errors == []


def tag(page, text):
    page.fill("#data", text)
    page.click("button")


def test_pasted_text_is_shown_with_coloured_tags(page):
    tag(page, "Die Katze schläft. <b>Le chat</b> dort.")
    cat = page.locator("#result span", has_text="Katze")
    assert "NOUN" in cat.inner_text()
    assert "Gender=Fem" in cat.get_attribute("title")
    colour = "element => getComputedStyle(element).backgroundColor"
    verb = page.locator("#result span", has_text="schläft")
    assert cat.evaluate(colour) != verb.evaluate(colour)
    # What stands in the text is no markup.
    assert page.locator("#result b").count() == 0


def test_text_from_right_to_left_runs_so(page):
    tag(page, "הילדה קוראת ספר.")
    sentence = page.locator("#result div")
    assert sentence.evaluate("element => getComputedStyle(element).direction") == "rtl"
    first, last = (sentence.locator("span").nth(n).bounding_box()["x"] for n in (0, -1))
    assert first > last


def test_a_language_may_be_chosen(page):
    # The page asks for them when it is there.
    page.locator("#model option", has_text="French").wait_for(state="attached")
    assert page.locator("#model option").all_inner_texts()[1:] == [
        "German (de)",
        "English (en)",
        "French (fr)",
    ]
    page.select_option("#model", "fr")
    tag(page, "Chat.")
    assert page.locator("#result div").get_attribute("lang") == "fr"


def test_the_tags_are_there_as_conllu(page):
    tag(page, "The cat slept.")
    page.locator("#result span").first.wait_for()
    page.check("#conllu")
    page.locator("#result pre").wait_for()
    assert "2\tcat\t" in page.inner_text("#result pre")


def test_an_error_of_the_server_is_shown(page):
    page.fill("#data", "a" * 5000)
    page.click("button")
    page.locator("#error", has_text="the body is larger than").wait_for()
