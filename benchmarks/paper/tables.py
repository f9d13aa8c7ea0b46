"""Fills the tables of `docs/results.md`: our counterpart of the paper's, beside its own figures.

The document's text is written by hand. Where it has a line such as `<!-- table4 -->`, the table
behind it is made anew from the facts in `docs/results/` and `docs/benchmarks/`; what was not
measured is a dash.

    python -m benchmarks paper.tables
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.paper.facts import (
    PAPER,
    Facts,
    load_benchmark,
    load_facts,
    number,
    pair,
    scores_cell,
)
from mtag_core.evaluation.metrics import LEMMAS
from mtag_core.evaluation.summary import markdown_table

OUTPUT = Path("docs/results.md")
_TABLE = re.compile(r"(<!-- (\w+) -->\n\n)(?:\|.*\n)*")
_CODE_MIXED = {
    "student-codemixed": "student, best label",
    "student-codemixed-x": "student, second-best where the best is X",
    "meta_lstm_multilingual-codemixed": "Meta-LSTM, multilingual, best label",
    "udpipe-codemixed-tr": "UDPipe 1, Turkish alone",
    "udpipe-codemixed-de": "UDPipe 1, German alone",
    "udpipe-codemixed-te": "UDPipe 1, Telugu alone",
    "udpipe-codemixed-en": "UDPipe 1, English alone",
}
LOW_RESOURCE: Sequence[str] = PAPER["low_resource"]["treebanks"]
"""The treebanks of the paper's low-resource table, in its order."""
OTHERS = ("te_mtg", "eu_bdt", "vi_vtb", "ur_udtb", "tr_imst", "fr_sequoia")
"""More of them in table 1."""
# Name of a system's facts, but for the setting, to its label.
_SYSTEMS = {
    "meta_lstm-{}": "Meta-LSTM, one a treebank",
    "meta_lstm_multilingual-{}": "Meta-LSTM, multilingual",
    "udpipe-{}": "UDPipe 1, one a treebank",
    "encoder-{}": "encoder, one a treebank",
    "encoder_multilingual-{}": "teacher, multilingual",
    "encoder_multilingual-{}-told": "teacher, told the treebank",
    "student-{}": "student, `mixed`, a document a file",
    "student-{}-by-10": "student, `mixed`, a document ten sentences",
    "student-{}-style": "student, one style a language (the default)",
    "student-{}-told": "student, told the treebank",
    "student-free-{}": "student, free bundle (learnt 29 of the treebanks)",
}
_AS_TREEBANK = "raw, as the treebank"
# Setting in the names of facts, to what rows of a treebank's scores call it.
_MODES = {"gold": "gold", "raw-known": "raw", "raw-treebank": _AS_TREEBANK}
# By the same bundle, which read capitals, marks and wide letters as they were written.
_BEFORE_FOLDING = {
    **{"capitals": 51.9, "NFD": 81.8, "full width": 58.9, "ligatures": 99.1},
    **{
        "curly apostrophes": 100.0,
        "letter apostrophes": 95.0,
        "stress marks": 79.1,
        "Arabic letters": 90.3,
    },
}
_N_NAMED = 7


def main(argv: list[str] | None = None) -> int:
    """Makes the tables of the document."""
    text = OUTPUT.read_text(encoding="utf-8")
    filled = _TABLE.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}\n", text)
    OUTPUT.write_text(filled, encoding="utf-8")
    print(OUTPUT)
    return 0


def _table1() -> str:
    return _per_treebank([*LOW_RESOURCE, *OTHERS], [])


def _table2() -> str:
    rows = [
        [f"paper: {name}", *cells, f"{PAPER['morphology_labels']:,}", ""]
        for name, cells in PAPER["sizes"].items()
    ]
    rows += [
        [name, row["embeddings"], row["other"], row.get("labels", ""), f"{row['megabytes']} MB"]
        for name, row in load_benchmark("sizes").items()
    ]
    header = ["system", "embeddings (width x entries)", "other weights", "morphology labels"]
    return markdown_table([*header, "on disk"], rows)


def _table3() -> str:
    rows = [
        [f"paper: {name}", *map(number, values), "", ""]
        for name, values in PAPER["speed_over_bert"].items()
    ]
    rows += _speed_rows(load_benchmark("tag_cpu"), "")
    rows += _speed_rows(load_benchmark("tag_gpu"), ", GPU")
    header = ["system", "32 words", "128 words", "words/s at 32", "words/s at 128"]
    return markdown_table(header, rows)


def _speed_rows(record: Mapping[str, Any], suffix: str) -> list[list[str]]:
    measured = record.get("words_a_sentence", {"32": {}})
    rows = []
    for name, short in measured["32"].items():
        lengths = (short, measured["128"][name])
        ours = [number(row["over_bert"]) for row in lengths]
        speeds = [f"{row['words_per_s']:,}" for row in lengths]
        rows.append([f"{name}{suffix}", *ours, *speeds])
    return rows


def _raw_speed() -> str:
    systems = load_benchmark("raw_cpu").get("systems", {})
    rows = [[name, f"{row['words_per_s']:,}"] for name, row in systems.items()]
    return markdown_table(["from raw text", "words/s"], rows)


def _table4() -> str:
    rows = []
    for system, label in _SYSTEMS.items():
        names = load_facts(system.format("gold")).trained
        if not names:
            continue
        rows.append(_macro_row(label, system, names))
        if not system.startswith("student"):
            told = "-told" if system.endswith("-told") else ""
            label = f"- the student{told and ', told,'} on the same treebanks"
            rows.append(_macro_row(label, f"student-{{}}{told}", names))
    rows += [[f"paper: {name}", "", "", pair(*row), "", ""] for name, row in PAPER["macro"].items()]
    header = ["system", "treebanks", "gold tokens"]
    header += ["raw, segmented as the treebank (the paper's setting)"]
    header += ["raw, language known", "raw, language identified"]
    return markdown_table(header, rows)


def _macro_row(label: str, system: str, treebanks: Collection[str]) -> list[str]:
    modes = ("gold", "raw-treebank", "raw-known", "raw")
    cells = [scores_cell(load_facts(system.format(mode)), treebanks) for mode in modes]
    return [label, str(len(treebanks)), *cells]


def _table5() -> str:
    paper = []
    for system, pairs in PAPER["low_resource"].items():
        if system != "treebanks":
            means = (sum(column) / len(pairs) for column in zip(*pairs, strict=True))
            cells = [pair(*each) for each in (*pairs, means)]
            paper.append([f"paper: {system}", _AS_TREEBANK, *cells])
    return _per_treebank(LOW_RESOURCE, paper)


def _per_treebank(treebanks: Sequence[str], paper: Sequence[Sequence[str]]) -> str:
    rows = []
    for system, label in _SYSTEMS.items():
        for mode, shown in _MODES.items():
            facts = load_facts(system.format(mode))
            if facts.treebank_to_f1:
                cells = [scores_cell(facts, [name]) for name in treebanks]
                rows.append([label, shown, *cells, scores_cell(facts, treebanks)])
    return markdown_table(["system", "text", *treebanks, "macro"], [*rows, *paper])


def _table6() -> str:
    rows = []
    for name, label in _CODE_MIXED.items():
        facts = load_facts(name)
        if facts.treebank_to_f1:
            cells = [
                number(facts.mean("UPOS", [treebank])) for treebank in ("qtd_sagt", "qte_tect")
            ]
            rows.append([label, *cells, ""])
    rows += [[f"paper: {name}", "", "", number(f1)] for name, f1 in PAPER["code_mixed"].items()]
    header = ["system", "Turkish-German SAGT", "Telugu-English TECT", "Hindi-English"]
    return markdown_table(header, rows)


def _lemmas() -> str:
    rows = []
    for system, label in _SYSTEMS.items():
        facts = load_facts(system.format("gold"))
        names = [name for name in facts.trained if LEMMAS in facts.treebank_to_f1[name]]
        if names:
            rows.append(_lemma_row(label, system, names))
            if not system.startswith("student"):
                rows.append(_lemma_row("- the student on the same treebanks", "student-{}", names))
    header = ["system", "treebanks", "gold tokens", "raw, language known", "raw"]
    return markdown_table(header, rows)


def _lemma_row(label: str, system: str, treebanks: Collection[str]) -> list[str]:
    found = (load_facts(system.format(mode)) for mode in ("gold", "raw-known", "raw"))
    return [label, str(len(treebanks)), *(number(facts.mean(LEMMAS, treebanks)) for facts in found)]


def _raw() -> str:
    known, found = load_facts("student-raw-known"), load_facts("student-raw")
    udpipe = load_facts("udpipe-raw-known")
    groups: dict[str, list[str]] = {}
    for name in found.treebank_to_f1:
        groups.setdefault(name.partition("_")[0], []).append(name)
    groups["**all with training data**"] = found.trained
    rows = [_raw_row(language, names, known, found, udpipe) for language, names in groups.items()]
    header = ["language", "Words", "UPOS", "UFeats", "lost to segmentation", "lost to tagging"]
    header += ["UPOS lost to a wrong language", "tokens cut as another language's"]
    return markdown_table([*header, "UDPipe 1", "student, same treebanks"], rows)


def _raw_row(
    language: str, names: list[str], known: Facts, found: Facts, udpipe: Facts
) -> list[str]:
    words, upos, ufeats = (known.mean(metric, names) or 0 for metric in ("Words", "UPOS", "UFeats"))
    cost = upos - (found.mean("UPOS", names) or 0)
    other = found.mean("other_language", names)
    cells = [number(value) for value in (words, upos, ufeats, 100 - words, words - upos)]
    # Adding 0 turns the -0 of a rounded gain into 0.
    cells += [number(round(cost, 2) + 0.0, digits=2), number(other, digits=2)]
    shared = [name for name in names if name in udpipe.treebank_to_f1]
    return [language, *cells, scores_cell(udpipe, shared), scores_cell(known, shared)]


def _losses() -> str:
    gold, known = (load_facts(f"student-{mode}").treebank_to_f1 for mode in ("gold", "raw-known"))
    style = load_facts("student-gold-style").treebank_to_f1
    told, udpipe = (load_facts(name) for name in ("student-gold-told", "udpipe-gold"))
    trained = load_facts("student-gold").trained
    points = {
        "UFeats from gold tokens": {name: 100 - gold[name]["UFeats"] for name in trained},
        "- what a UDPipe 1 of the treebank has more": _gain(udpipe, gold),
        "- what the treebank, told, gives over one style a language": _gain(told, style),
        "UPOS, to tagging": {
            name: known[name]["Words"] - known[name]["UPOS"] for name in trained if name in known
        },
        "all, to segmentation": {
            name: 100 - known[name]["Words"] for name in trained if name in known
        },
    }
    rows = [
        [label, number(sum(lost.values()) / len(lost)), _most(lost)]
        for label, lost in points.items()
        if lost
    ]
    return markdown_table(["lost", "mean", "most"], rows)


def _gain(other: Facts, own: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    return {
        name: other.treebank_to_f1[name]["UFeats"] - own[name]["UFeats"]
        for name in other.trained
        if name in own
    }


def _most(points: Mapping[str, float]) -> str:
    names = sorted(points, key=lambda name: -points[name])[:_N_NAMED]
    return ", ".join(f"{name} {points[name]:.1f}" for name in names)


def _kinds() -> str:
    record = load_benchmark("segment_kinds")
    systems = [name for name, shares in record.items() if "abbreviations" in shares]
    rows = [
        [kind, *(number(record[each].get(kind)) for each in systems)]
        for kind in record.get("mtag", ())
    ]
    return markdown_table(["kind", *systems], rows)


def _forms() -> str:
    rows = []
    for form, shares in load_benchmark("unicode_forms").items():
        if form in _BEFORE_FOLDING:
            languages = {name: share for name, share in shares.items() if name != "mean"}
            lowest = min(languages, key=languages.__getitem__)
            worst = f"{number(languages[lowest])} ({lowest})"
            cells = [number(shares["mean"]), worst, number(_BEFORE_FOLDING[form])]
            rows.append([form, str(len(languages)), *cells])
    header = ["form", "languages", "same UPOS", "lowest", "before text was folded"]
    return markdown_table(header, rows)


def _treebanks() -> str:
    gold, told = load_facts("student-gold"), load_facts("student-gold-told")
    others = {
        "student, raw": load_facts("student-raw-known"),
        "UDPipe 1, gold": load_facts("udpipe-gold"),
    }
    rows = [
        [
            name,
            f"{row['n_tokens']:,}",
            *_gold_cells(gold, name),
            *_gold_cells(told, name),
            *(scores_cell(facts, [name]) for facts in others.values()),
        ]
        for name, row in gold.treebank_to_f1.items()
    ]
    header = ["treebank", "test tokens", "student, gold", "whole FEATS"]
    return markdown_table([*header, "told the treebank, gold", "whole FEATS", *others], rows)


def _gold_cells(facts: Facts, treebank: str) -> list[str]:
    return [scores_cell(facts, [treebank]), number(facts.mean("FEATS", [treebank]))]


TABLES: dict[str, Callable[[], str]] = {
    "table1": _table1,
    "table2": _table2,
    "table3": _table3,
    "raw_speed": _raw_speed,
    "table4": _table4,
    "table5": _table5,
    "table6": _table6,
    "lemmas": _lemmas,
    "raw": _raw,
    "losses": _losses,
    "kinds": _kinds,
    "forms": _forms,
    "treebanks": _treebanks,
}
"""What makes each table, by its name in the document."""
