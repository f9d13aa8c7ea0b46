import numpy as np
import pytest

from mtag_core.segmentation.gap_rules import keep_whole, sure_ends


@pytest.fixture(scope="module")
def segment(bundled_segmenter):
    return lambda text, language: [s.text for s in bundled_segmenter.segment(text, language)]


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        ("zh", ["天气很好。", "我们去公园！", "你觉得怎么样？", "我觉得不错。"]),
        ("zh", ["他说：“你好。”", "然后走了。"]),
        ("zh", ["“是吗？”她问道。", "我走了。"]),
        ("zh", ["天空是灰色的。[1]", "下雨了。[2]"]),
        ("zh", ['"你好。"', "他走了。"]),
        ("yue", ["今日天氣好好。", "我哋去公園玩。"]),
        ("ja", ["天気がいい。", "行きましょう！", "はい。"]),
        ("ja", ["「はい。」と言った。", "彼は去った。"]),
        ("ja", ["1. ドアを開けてください。"]),
    ],
)
def test_sentences_without_spaces_end_at_full_stops(segment, language, sentences):
    assert segment("".join(sentences), language) == sentences


@pytest.mark.parametrize(
    "text",
    [
        "Hôm qua TS. Nam đến.",
        "Xem tr. 3 của sách.",
        "Có cam, táo, v.v. và còn nữa.",
    ],
)
def test_vietnamese_abbreviations_end_no_sentence(segment, text):
    assert segment(text, "vi") == [text]


@pytest.mark.parametrize(
    ("language", "text", "forms"),
    [
        (
            "zh",
            "请访问https://example.cn/page或www.example.cn。",
            "https://example.cn/page www.example.cn",
        ),
        ("zh", "写信给wang@post.cn，谢谢👍🏽！", "wang@post.cn 👍🏽"),
        ("zh", "谢谢@wang，#早上好 大家。", "@wang #早上好"),
        ("zh", "版本v2.0.1，2020-12-31 10:30开始，¥1,234.5。", "v2.0.1 2020-12-31 10:30 ¥ 1,234.5"),
        ("ja", "https://example.jp/ページ を見る。", "https://example.jp/ページ"),
        ("ja", "report.pdfと🇯🇵を見る。", "report.pdf 🇯🇵"),
        (
            "vi",
            "Xem https://vidu.vn/trang ngày 31/12/2020 nhé.",
            "https://vidu.vn/trang 31/12/2020",
        ),
    ],
)
def test_addresses_numbers_and_emoji_are_whole(bundled_segmenter, language, text, forms):
    found = [form for s in bundled_segmenter.segment(text, language) for form in s.forms]
    assert set(forms.split()) <= set(found)


def test_nothing_is_looked_at_in_a_long_line_twice():
    text = "a.b@" * 20_000
    starts = np.arange(len(text))
    is_end, is_last = np.ones((2, len(text)), np.bool_)
    keep_whole(text, starts, starts + 1, is_end, is_last)
    assert sum(1 for _ in sure_ends("。”" * 20_000, [(0, 40_000)], has_spaces=False)) < 20_001
