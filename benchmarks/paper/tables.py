"""Writes `docs/results.md`: our counterpart of the paper's tables, beside its own figures.

Reads the facts in `docs/results/` and `docs/benchmarks/`; what was not measured is a dash.

    python -m benchmarks.paper.tables [table1 ... table6, raw, treebanks]
"""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from benchmarks.paper import reported
from benchmarks.paper.facts import LOW_RESOURCE, NOT_TRAINED, Facts, load_facts
from benchmarks.paper.markdown import number, pair, table

OUTPUT = Path("docs/results.md")
_BENCHMARKS = Path("docs/benchmarks")
_OTHERS = ("te_mtg", "eu_bdt", "vi_vtb", "ur_udtb", "tr_imst", "fr_sequoia")
_SYSTEMS = {
    "meta_lstm": "Meta-LSTM, one a treebank",
    "meta_lstm_multilingual": "Meta-LSTM, multilingual",
    "udpipe": "UDPipe 1, one a treebank",
    "teacher": "teacher, multilingual",
    "student": "student, multilingual (the bundle)",
}
_SETTING = "UPOS / UFeats, CoNLL 2018 F1 in percent"


def main(argv: list[str] | None = None) -> int:
    """Prints the tables that are named, or writes the whole document."""
    names = sys.argv[1:] if argv is None else argv
    for name in names:
        print(_SECTIONS[name]())
    if not names:
        sections = [_INTRODUCTION, *(section() for section in _SECTIONS.values())]
        OUTPUT.write_text("\n\n".join(sections) + "\n", encoding="utf-8")
        print(OUTPUT)
    return 0


_INTRODUCTION = """\
# Results

Made by `python -m benchmarks.paper.tables` from the scores in `docs/results/` and
`docs/benchmarks/`; each file there names the command that measured it. **Paper** is Tsai et al.
2019 (ACL D19-1374). A dash: not measured.

What differs from the paper, once for all tables:

- **Data.** The paper trains on all of UD 2.x. Ours is 72 treebanks of 50 languages in which about
  half of the training tokens were projected from another annotation of the same treebank, and
  many training sets are samples; Breton-KEB and Japanese-Modern have no training data and are in
  no average. Code-mixed text is Turkish-German (SAGT) and Telugu-English (TECT), not Hindi-English.
- **Segmentation.** The paper tags raw text that UDPipe 2.2 segmented. *Raw* here is text segmented
  by the bundle's own segmenters; *gold* is gold tokens, which the paper does not report.
- **Baselines.** UDPipe 1 and the Meta-LSTM learnt from at most 40,000 tokens a treebank, to fit the
  time there was, 10 iterations for UDPipe 1. The Meta-LSTM is narrower than the paper's: one layer
  of 128, fastText vectors of width 100 from 40,000 sentences, batches of 200 tokens, as many epochs
  as give about 700 to 1,200 steps a stage (kk 200, hy 150, lt and mr 60, be 40, ta 35).
- **Metric.** UFeats is CoNLL's, universal features only. FEATS is the whole bundle."""


def _table1() -> str:
    """Per-language against multilingual systems."""
    treebanks = [*LOW_RESOURCE, *_OTHERS]
    return _per_treebank("Table 1: one model a treebank against one for all", treebanks)


def _table5() -> str:
    """Low-resource treebanks, ours and the paper's."""
    paper = [
        [f"paper: {system}", "raw", *(pair(*row[name]) for name in LOW_RESOURCE), _macro_pair(row)]
        for system, row in reported.LOW_RESOURCE.items()
    ]
    return _per_treebank("Table 5: low-resource treebanks", LOW_RESOURCE, extra=paper)


def _macro_pair(row: dict[str, tuple[float, float]]) -> str:
    """Averages of UPOS and FEATS."""
    upos, feats = zip(*row.values(), strict=True)
    return pair(sum(upos) / len(upos), sum(feats) / len(feats))


def _per_treebank(title: str, treebanks: Sequence[str], extra: Iterable[Sequence[str]] = ()) -> str:
    """A table with a column a treebank and a row a system and setting."""
    rows = []
    for system, label in _SYSTEMS.items():
        for mode, shown in (("gold", "gold"), ("raw-known", "raw")):
            facts = load_facts(f"{system}-{mode}")
            if facts is not None:
                cells = [_cell(facts, [name]) for name in treebanks]
                rows.append([label, shown, *cells, _cell(facts, treebanks)])
    header = ["system", "text", *treebanks, "macro"]
    return f"## {title}\n\n{_SETTING}.\n\n{table(header, [*rows, *extra])}"


def _cell(facts: Facts | None, treebanks: Sequence[str] | None = None) -> str:
    """UPOS / UFeats of treebanks."""
    if facts is None:
        return "-"
    return pair(facts.mean("UPOS", treebanks), facts.mean("UFeats", treebanks))


def _table2() -> str:
    """Sizes."""
    sizes = _read(_BENCHMARKS / "sizes.json")
    rows = [[f"paper: {name}", text, ""] for name, text in reported.SIZES.items()]
    rows += [[name, row["embeddings"], row["other"]] for name, row in sizes.items()]
    labels = f"The paper's morphology has {reported.N_MORPHOLOGY_LABELS:,} labels."
    header = ["system", "embeddings (width x entries)", "other weights"]
    return f"## Table 2: parameters\n\n{labels}\n\n{table(header, rows)}"


def _table3() -> str:
    """Relative speed."""
    measured = _read(_BENCHMARKS / "tag_cpu.json").get("words_a_sentence", {})
    rows = [
        [f"paper: {name}, {device}", *(number(value) for value in values), "", ""]
        for name, devices in reported.SPEED.items()
        for device, values in devices.items()
    ]
    for name in measured.get("32", {}):
        short, long = measured["32"][name], measured["128"][name]
        ours = [number(short["over_bert"]), number(long["over_bert"])]
        rows.append([name, *ours, f"{short['words_per_s']:,}", f"{long['words_per_s']:,}"])
    header = ["system", "32 words", "128 words", "words/s at 32", "words/s at 128"]
    text = "Speed over BERT-base's in torch fp32, one sentence a call; ours on one CPU core."
    return f"## Table 3: speed\n\n{text}\n\n{table(header, rows)}"


def _table4() -> str:
    """Macro averages."""
    rows = [_macro_row(label, system) for system, label in _SYSTEMS.items()]
    shared = sorted(_treebanks_of("student") & _treebanks_of("udpipe"))
    if shared:
        label = "student, on the treebanks that UDPipe 1 was trained on"
        rows.append(_macro_row(label, "student", shared))
    rows += [[f"paper: {name}", "", "", pair(*row), ""] for name, row in reported.MACRO.items()]
    header = ["system", "treebanks", "gold tokens", "raw, language known"]
    header += ["raw, language identified"]
    text = (
        "Macro average over the test sets that a system has a model for: compare rows of the same "
        f"number of treebanks. {_SETTING}."
    )
    return f"## Table 4: multilingual systems\n\n{text}\n\n{table(header, rows)}"


def _macro_row(label: str, system: str, treebanks: Sequence[str] | None = None) -> list[str]:
    """Cells of a system's averages."""
    names = _treebanks_of(system) if treebanks is None else treebanks
    modes = ("gold", "raw-known", "raw")
    cells = [_cell(load_facts(f"{system}-{mode}"), treebanks) for mode in modes]
    return [label, str(len(names)), *cells]


def _treebanks_of(system: str) -> set[str]:
    """Treebanks in a system's averages."""
    facts = load_facts(f"{system}-gold")
    return set(facts.treebank_to_f1) - set(NOT_TRAINED) if facts else set()


def _table6() -> str:
    """Code-mixed text."""
    modes = {"best label": "codemixed", "second-best where the best is X": "codemixed-x"}
    rows = []
    for label, mode in modes.items():
        facts = load_facts(f"student-{mode}")
        cells = [
            number(facts.treebank_to_f1[name]["UPOS"] if facts else None)
            for name in ("qtd_sagt", "qte_tect")
        ]
        rows.append([f"student, {label}", *cells, ""])
    rows += [[f"paper: {name}", "", "", number(f1)] for name, f1 in reported.CODE_MIXED.items()]
    header = ["system", "Turkish-German SAGT", "Telugu-English TECT", "Hindi-English"]
    text = "UPOS on gold tokens, in percent. The paper replaces X by the second-best label."
    return f"## Table 6: code-mixed text\n\n{text}\n\n{table(header, rows)}"


def _raw() -> str:
    """From raw text to tags, losses apart, by language."""
    known, found = load_facts("student-raw-known"), load_facts("student-raw")
    udpipe = load_facts("udpipe-raw-known")
    if known is None or found is None:
        return "## From raw text to tags\n\nNot measured."
    header = ["language", "Words", "UPOS", "UFeats", "lost to segmentation", "lost to tagging"]
    header += ["language identified: UPOS", "cost of it", "tokens cut as another language's"]
    header += ["UDPipe 1: UPOS / UFeats"]
    rows = [
        _raw_row(language, names, known, found, udpipe)
        for language, names in _by_language(found).items()
    ]
    text = (
        "Macro over the treebanks of a language, F1 in percent, the segmenter of the treebank's "
        "language given. Segmentation loses 100 - Words, tagging what is between Words and UPOS. "
        "The last columns: what changes when the language of each line is identified, as "
        "`annotate` does, and UDPipe 1 taggers on the same segmentation."
    )
    return f"## From raw text to tags\n\n{text}\n\n{table(header, rows)}"


def _by_language(facts: Facts) -> dict[str, list[str]]:
    """Treebanks of each language, then all that have training data."""
    groups: dict[str, list[str]] = {}
    for name in facts.treebank_to_f1:
        groups.setdefault(name.partition("_")[0], []).append(name)
    trained = [name for name in facts.treebank_to_f1 if name not in NOT_TRAINED]
    return groups | {"**all with training data**": trained}


def _raw_row(
    language: str, names: list[str], known: Facts, found: Facts, udpipe: Facts | None
) -> list[str]:
    """Cells of one language."""
    words, upos, ufeats = (known.mean(metric, names) or 0 for metric in ("Words", "UPOS", "UFeats"))
    found_upos = found.mean("UPOS", names) or 0
    losses = [100 - words, words - upos, found_upos, upos - found_upos]
    cells = [words, upos, ufeats, *losses, found.mean("other_language", names)]
    return [language, *map(number, cells), _cell(udpipe, names)]


def _treebanks() -> str:
    """Every treebank."""
    gold, raw, udpipe = map(load_facts, ("student-gold", "student-raw-known", "udpipe-gold"))
    if gold is None:
        return "## Every treebank\n\nNot measured."
    rows = [
        [name, f"{row['n_tokens']:,}", pair(row["UPOS"], row["UFeats"]), number(row["FEATS"])]
        + [_cell(facts, [name]) for facts in (raw, udpipe)]
        for name, row in gold.treebank_to_f1.items()
    ]
    header = ["treebank", "test tokens", "student, gold", "whole FEATS", "student, raw"]
    header += ["UDPipe 1, gold"]
    return f"## Every treebank\n\n{_SETTING}.\n\n{table(header, rows)}"


def _read(path: Path) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """Reads JSON, or nothing where it was not measured."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


_SECTIONS: dict[str, Callable[[], str]] = {
    "table1": _table1,
    "table2": _table2,
    "table3": _table3,
    "table4": _table4,
    "table5": _table5,
    "table6": _table6,
    "raw": _raw,
    "treebanks": _treebanks,
}

if __name__ == "__main__":
    sys.exit(main())
