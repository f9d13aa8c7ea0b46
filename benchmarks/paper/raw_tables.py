"""Where the points go from raw text to tags, and the scores of every treebank."""

from collections.abc import Mapping

from benchmarks.paper.facts import (
    SETTING,
    Facts,
    load_benchmark,
    load_facts,
    number,
    scores_cell,
    trained_treebanks,
)
from mtag_core.evaluation.summary import markdown_table

_N_NAMED = 7
"""Treebanks named in a list of the worst."""


def raw_section() -> str:
    """Losses to segmentation, tagging and wrong languages, by language."""
    title = "## From raw text to tags"
    known, found = load_facts("student-raw-known"), load_facts("student-raw")
    gold, udpipe = load_facts("student-gold"), load_facts("udpipe-raw-known")
    if known is None or found is None or gold is None:
        return f"{title}\n\nNot measured."
    rows = [
        _raw_row(language, names, known, found, udpipe)
        for language, names in _by_language(found).items()
    ]
    header = ["language", "Words", "UPOS", "UFeats", "lost to segmentation", "lost to tagging"]
    header += ["UPOS lost to a wrong language", "tokens cut as another language's"]
    header += ["UDPipe 1", "student, same treebanks"]
    parts = [title, _RAW, markdown_table(header, rows), "### What is left to gain"]
    return "\n\n".join([*parts, _largest_losses(gold, known, udpipe)])


_RAW = """\
Macro over the treebanks of a language, F1 in percent, the segmenter of the treebank's language
given. Segmentation loses 100 - Words, tagging what is between Words and UPOS. Then what changes
when the language of each line is identified, as `annotate` does: UPOS lost by it, and the share of
tokens that another language's segmenter or the generic one cut. Last, UPOS / UFeats of UDPipe 1
taggers, where one was trained, on the segmentation of an earlier bundle, and of the student on
those treebanks."""


def _by_language(facts: Facts) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name in facts.treebank_to_f1:
        groups.setdefault(name.partition("_")[0], []).append(name)
    return groups | {"**all with training data**": sorted(trained_treebanks(facts))}


def _raw_row(
    language: str, names: list[str], known: Facts, found: Facts, udpipe: Facts | None
) -> list[str]:
    words, upos, ufeats = (known.mean(metric, names) or 0 for metric in ("Words", "UPOS", "UFeats"))
    cost = upos - (found.mean("UPOS", names) or 0)
    other = found.mean("other_language", names)
    cells = [number(value) for value in (words, upos, ufeats, 100 - words, words - upos)]
    # Adding 0 turns the -0 of a rounded gain into 0.
    cells += [number(round(cost, 2) + 0.0, digits=2), number(other, digits=2)]
    shared = [name for name in names if udpipe and name in udpipe.treebank_to_f1]
    return [language, *cells, scores_cell(udpipe, shared), scores_cell(known, shared)]


def forms_section() -> str:
    """UPOS of text in other Unicode forms."""
    title = "## Text in other Unicode forms"
    record = load_benchmark("unicode_forms")
    if not record:
        return f"{title}\n\nNot measured."
    rows = []
    for form, before in _BEFORE_FOLDING.items():
        shares = record[form]
        languages = {name: share for name, share in shares.items() if name != "mean"}
        lowest = min(languages, key=languages.__getitem__)
        worst = f"{number(languages[lowest])} ({lowest})"
        cells = [number(shares["mean"]), worst, number(before)]
        rows.append([form, str(len(languages)), *cells])
    header = ["form", "languages", "same UPOS", "lowest", "before text was folded"]
    return f"{title}\n\n{_FORMS}\n\n{markdown_table(header, rows)}"


def kinds_section() -> str:
    """Segmentation of text as people write it."""
    title = "## Text as people write it"
    record = load_benchmark("segment_kinds")
    if not record:
        return f"{title}\n\nNot measured."
    systems = [name for name, shares in record.items() if "abbreviations" in shares]
    rows = [
        [kind, *(number(record[each].get(kind)) for each in systems)] for kind in record["mtag"]
    ]
    return f"{title}\n\n{_KINDS}\n\n{markdown_table(['kind', *systems], rows)}"


_KINDS = """\
Percent of our own texts that are cut as they should be, languages given: 97 sentences with an
abbreviation inside in 14 languages, 11 styles of quotation marks and dashes in 25, and 665 texts of
35 kinds in 54, six tenths of which were there before the rules for them. UDPipe 1 is with the
tokenizers that mtag had before (`python -m benchmarks segment_kinds`). Before these rules mtag had
77.4 % of all kinds."""

_FORMS = """\
Our sample texts, rewritten; languages are found both times. Percent of the tokens of the usual text
that are tokens with the same UPOS in the other, mean of the languages that a form changes
(`python -m benchmarks unicode_forms`)."""

# By the same bundle, which read capitals, marks and wide letters as they were written.
_BEFORE_FOLDING = {"capitals": 51.9, "NFD": 81.8, "full width": 58.9, "ligatures": 99.1}


def _largest_losses(gold: Facts, known: Facts, udpipe: Facts | None) -> str:
    names = trained_treebanks(known)
    words, feats = known.mean("Words", names) or 0, gold.mean("UFeats", names) or 0
    tagging = words - (known.mean("UPOS", names) or 0)
    cut = {name: 100 - known.treebank_to_f1[name]["Words"] for name in names}
    lost = {name: _lost_to_tagging(known, name) for name in names}
    lines = [
        f"1. **UFeats.** {100 - feats:.1f} points are lost from gold tokens, many of them where "
        "treebanks of one language follow different conventions and the student, who is not told "
        f"the treebank, has to choose{_behind(gold, udpipe)}. Consistent labels, or a treebank "
        f"that the user names, would gain most.{_treebank_gain(gold)}",
        f"2. **UPOS.** {tagging:.1f} points are lost to tagging, most in {_worst(lost)}: "
        "agglutinative and low-resource languages, and treebanks with conventions of their own.",
        f"3. **Segmentation.** {100 - words:.1f} points of everything; {_share(cut):.0%} of it is "
        f"{_worst(cut)}: words that no space marks, multiword tokens, speech and tweets without "
        "sentence ends.",
    ]
    return "\n".join(lines)


def _lost_to_tagging(facts: Facts, name: str) -> float:
    row = facts.treebank_to_f1[name]
    return row["Words"] - row["UPOS"]


def _behind(gold: Facts, udpipe: Facts | None) -> str:
    other = load_facts("udpipe-gold") if udpipe else None
    if other is None:
        return ""
    rows = other.treebank_to_f1
    behind = {
        name: rows[name]["UFeats"] - gold.treebank_to_f1[name]["UFeats"]
        for name in trained_treebanks(other)
    }
    n_behind = sum(points > 0 for points in behind.values())
    return (
        f": on {n_behind} of {len(behind)} treebanks a UDPipe 1 of that treebank alone is ahead, "
        f"by {_worst({name: points for name, points in behind.items() if points > 1})}"
    )


def _treebank_gain(gold: Facts) -> str:
    told = load_facts("student-gold-told")
    if told is None:
        return ""
    gains = {
        name: told.treebank_to_f1[name]["UFeats"] - gold.treebank_to_f1[name]["UFeats"]
        for name in sorted(trained_treebanks(told) & trained_treebanks(gold))
    }
    mean = sum(gains.values()) / len(gains)
    return (
        f" Told the treebank, the student's UFeats change by {mean:+.1f} points on average, "
        f"most on {_worst(gains, sign='+')}."
    )


def _worst(name_to_points: Mapping[str, float], *, sign: str = "") -> str:
    worst = sorted(name_to_points, key=lambda name: -name_to_points[name])[:_N_NAMED]
    return ", ".join(f"{name} {name_to_points[name]:{sign}.1f}" for name in worst)


def _share(name_to_points: dict[str, float]) -> float:
    points = sorted(name_to_points.values(), reverse=True)
    return sum(points[:_N_NAMED]) / sum(points) if any(points) else 0.0


def treebanks_section() -> str:
    """Every treebank."""
    gold, told = load_facts("student-gold"), load_facts("student-gold-told")
    if gold is None:
        return "## Every treebank\n\nNot measured."
    others = {
        "student, raw": load_facts("student-raw-known"),
        "UDPipe 1, gold": load_facts("udpipe-gold"),
    }
    rows = [
        [name, f"{row['n_tokens']:,}", *_gold_cells(gold, name)]
        + (_gold_cells(told, name) if told else [])
        + [scores_cell(facts, [name]) for facts in others.values()]
        for name, row in gold.treebank_to_f1.items()
    ]
    header = ["treebank", "test tokens", "student, gold", "whole FEATS"]
    header += ["told the treebank, gold", "whole FEATS"] if told else []
    header += others
    picture = "![F1 of each treebank](heat-map.svg)"
    return f"## Every treebank\n\n{SETTING}.\n\n{markdown_table(header, rows)}\n\n{picture}"


def _gold_cells(facts: Facts, treebank: str) -> list[str]:
    return [scores_cell(facts, [treebank]), number(facts.mean("FEATS", [treebank]))]
