"""Writes `docs/results.md`: our counterpart of the paper's tables, beside its own figures.

Reads the facts in `docs/results/` and `docs/benchmarks/`; what was not measured is a dash.

    python -m benchmarks paper.tables [table1 ... table6, lemmas, raw, treebanks]
"""

import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.paper.facts import (
    LOW_RESOURCE,
    PAPER_CODE_MIXED,
    PAPER_LOW_RESOURCE,
    PAPER_MACRO,
    PAPER_N_MORPHOLOGY_LABELS,
    PAPER_SIZES,
    PAPER_SPEED,
    SETTING,
    Facts,
    load_benchmark,
    load_facts,
    number,
    pair,
    scores_cell,
    trained_treebanks,
)
from benchmarks.paper.raw_tables import forms_section, kinds_section, raw_section, treebanks_section
from mtag_core.evaluation.metrics import LEMMAS
from mtag_core.evaluation.summary import markdown_table
from mtag_core.labels import load_labels
from mtag_core.tagging.bundle import DEFAULT_BUNDLE

OUTPUT = Path("docs/results.md")
_CODE_MIXED = {
    "student-codemixed": "student, best label",
    "student-codemixed-x": "student, second-best where the best is X",
    "meta_lstm_multilingual-codemixed": "Meta-LSTM, multilingual, best label",
    "udpipe-codemixed-tr": "UDPipe 1, Turkish alone",
    "udpipe-codemixed-de": "UDPipe 1, German alone",
    "udpipe-codemixed-te": "UDPipe 1, Telugu alone",
    "udpipe-codemixed-en": "UDPipe 1, English alone",
}
_OTHERS = ("te_mtg", "eu_bdt", "vi_vtb", "ur_udtb", "tr_imst", "fr_sequoia")
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


def speed_section() -> str:
    """Table 3: relative speed."""
    gpu = load_benchmark("tag_gpu")
    rows = [
        [f"paper: {name}, {device}", *(number(value) for value in values), "", ""]
        for name, devices in PAPER_SPEED.items()
        for device, values in devices.items()
    ]
    rows += _speed_rows(load_benchmark("tag_cpu"))
    rows += _speed_rows(gpu, suffix=", GPU")
    header = ["system", "32 words", "128 words", "words/s at 32", "words/s at 128"]
    parts = [f"## Table 3: speed\n\n{_SPEED}", markdown_table(header, rows)]
    if gpu:
        parts.insert(1, _GPU_SPEED.format(**gpu))
    systems = load_benchmark("raw_cpu").get("systems", {})
    if systems:
        raw = [[name, f"{row['words_per_s']:,}"] for name, row in systems.items()]
        parts += [_RAW_SPEED, markdown_table(["from raw text", "words/s"], raw)]
    return "\n\n".join(parts)


def _speed_rows(record: dict[str, Any], *, suffix: str = "") -> list[list[str]]:
    measured = record.get("words_a_sentence", {"32": {}})
    rows = []
    for name, short in measured["32"].items():
        long = measured["128"][name]
        ours = [number(short["over_bert"]), number(long["over_bert"])]
        speeds = [f"{short['words_per_s']:,}", f"{long['words_per_s']:,}"]
        rows.append([f"{name}{suffix}", *ours, *speeds])
    return rows


_SPEED = """\
Speed over BERT-base's in torch fp32, one sentence a call unless a row says otherwise; ours in words
per CPU second on one core of a shared machine, French text, all systems measured in turn and the
median of the rounds taken: the ratios hold better than the speeds. The torch models have random
weights, and their wordpieces are made beforehand; the bundle's are timed. The bundle remembers the
vectors of forms, so its rows are of text whose forms it has read before."""


_GPU_SPEED = """\
The rows that say GPU are words per wall-clock second on one {device}, over BERT-base
there, from the wordpieces on the CPU to the labels read back; the Meta-LSTM there is one of a
treebank, hardly trained, since its weights do not change its speed."""


_RAW_SPEED = """\
Raw text to tags, a word being what stands between white space. mtag identifies the language of each
line, cuts sentences and tokens and gives UPOS, FEATS and lemmas, and reads the text once; so does
UDPipe, which knows the language; spaCy runs its tokenizer, a rule for sentences and the components
that give UPOS and FEATS, without parser, entities or lemmas."""


def main(argv: list[str] | None = None) -> int:
    """Prints the tables that are named, or writes the whole document."""
    names = sys.argv[1:] if argv is None else argv
    for name in names:
        print(_SECTIONS[name]())
    if not names:
        sections = [_introduction(), *(section() for section in _SECTIONS.values())]
        OUTPUT.write_text("\n\n".join(sections) + "\n", encoding="utf-8")
        print(OUTPUT)
    return 0


def _introduction() -> str:
    names = ("udpipe", "meta_lstm")
    counts = {f"n_{name}": len(trained_treebanks(load_facts(f"{name}-gold"))) for name in names}
    gpu = "" if load_benchmark("tag_gpu") else " speed on a GPU;"
    return _INTRODUCTION.format(**counts, gpu=gpu, earlier_words=_earlier_words())


def _earlier_words() -> str:
    student, udpipe = (load_facts(f"{name}-raw-known") for name in ("student", "udpipe"))
    names = trained_treebanks(udpipe)
    now, then = (facts.mean("Words", names) if facts else None for facts in (student, udpipe))
    return f", Words {then:.1f} after the student's {now:.1f}" if now and then else ""


_INTRODUCTION = """\
# Results

Made by `python -m benchmarks paper.tables` from the scores in `docs/results/` and
`docs/benchmarks/`; each file there names the command that measured it. **Paper** is Tsai et al.
2019 (ACL D19-1374). A dash: not measured.

What differs from the paper, once for all tables:

- **Data.** The paper trains on all of UD 2.x. Ours is 72 treebanks of 50 languages in which about
  half of the training tokens were projected from another annotation of the same treebank, and
  many training sets are samples, a fifth of the original. So the student has learnt from three
  quarters of each dev file, too, and so has our teacher; the other baselines have not. No system
  has seen a test file.
  Breton-KEB and Japanese-Modern have no training data and are in no average. Code-mixed text is
  Turkish-German (SAGT) and Telugu-English (TECT), not Hindi-English.
- **Segmentation.** The paper tags raw text that UDPipe 2.2's model of that very treebank segmented.
  *Raw* here is text segmented by the bundle's own segmenters: by those of languages, or, *as the
  treebank*, by the treebank's where the bundle has one, its language's where not; what tags is not
  told the treebank by it. The other systems' raw scores are on text that earlier segmenters of the
  bundle cut{earlier_words}. *Gold* is gold tokens, which the paper does not report.
- **Told the treebank.** The paper's multilingual systems are not told which treebank a text is of,
  and neither are student and teacher, unless their row says so: then they follow that treebank's
  convention, as a user can ask the student to. One model a treebank always knows. With `mixed`
  the student follows for each document the treebank that its text is most like (decision 0023).
  A document is a file, of which each is recognised, or, for comparison, ten sentences, of which
  nine in ten are.
- **Baselines.** To fit the time there was, UDPipe 1 and the Meta-LSTM of one treebank learnt from
  at most 40,000 tokens, and not for every treebank: UDPipe 1, 10 iterations, for {n_udpipe} of 69;
  the Meta-LSTM for {n_meta_lstm}. The Meta-LSTM is narrower than the paper's: one layer of 128,
  fastText vectors of width 100 from 40,000 sentences, batches of 200 tokens, as many epochs as
  give 800 to 2,230 steps a stage (kk 200, hy 150, lt and mr 60, be and te 40, ta 35, eu 16, ur and
  vi 12, fr and tr 10). The multilingual one, as narrow, had 15,000 tokens a treebank, 12 epochs a
  stage, batches of 6,000 tokens and vectors from 8,000 sentences a language; that of table 6 is an
  earlier one, which had 2,000 tokens and 4 epochs. In place of the paper's BERT stands
  multilingual-e5-small (12 layers of width 384; 148,679 pieces), fine-tuned on one treebank for 18
  seconds of a GPU (encoder, one a treebank) or on all (teacher, see [training.md](training.md)).
- **Missing.** Encoder and Meta-LSTM of one treebank for the others of the 69;{gpu} the
  Hindi-English text, whose tweets a user has to fetch.
- **Metric.** UFeats is CoNLL's, universal features only. FEATS is the whole bundle."""


def _table1() -> str:
    treebanks = [*LOW_RESOURCE, *_OTHERS]
    return _per_treebank("Table 1: one model a treebank against one for all", treebanks)


def _table5() -> str:
    paper = [
        [
            f"paper: {system}",
            _AS_TREEBANK,
            *(pair(*row[name]) for name in LOW_RESOURCE),
            _macro_pair(row),
        ]
        for system, row in PAPER_LOW_RESOURCE.items()
    ]
    return _per_treebank("Table 5: low-resource treebanks", LOW_RESOURCE, extra=paper)


def _macro_pair(row: dict[str, tuple[float, float]]) -> str:
    upos, feats = zip(*row.values(), strict=True)
    return pair(sum(upos) / len(upos), sum(feats) / len(feats))


def _per_treebank(title: str, treebanks: Sequence[str], extra: Iterable[Sequence[str]] = ()) -> str:
    rows = []
    for system, label in _SYSTEMS.items():
        for mode, shown in _MODES.items():
            facts = load_facts(system.format(mode))
            if facts is not None:
                cells = [scores_cell(facts, [name]) for name in treebanks]
                rows.append([label, shown, *cells, scores_cell(facts, treebanks)])
    header = ["system", "text", *treebanks, "macro"]
    return f"## {title}\n\n{SETTING}.\n\n{markdown_table(header, [*rows, *extra])}"


def _table2() -> str:
    sizes = load_benchmark("sizes")
    rows = [[f"paper: {name}", *text.split(" + ")] for name, text in PAPER_SIZES.items()]
    rows = [[*row, ""] for row in rows]
    rows += [
        [name, row["embeddings"], row["other"], f"{row['megabytes']} MB"]
        for name, row in sizes.items()
    ]
    labels = (
        f"The paper's morphology has {PAPER_N_MORPHOLOGY_LABELS:,} labels, ours "
        f"{_n_labels():,}. On disk: what all treebanks together need; the bundle's includes "
        "segmenters and language identification."
    )
    header = ["system", "embeddings (width x entries)", "other weights", "on disk"]
    picture = "![Size, accuracy and speed](size-accuracy-speed.svg)"
    return f"## Table 2: parameters\n\n{labels}\n\n{markdown_table(header, rows)}\n\n{picture}"


def _n_labels() -> int:
    return len(load_labels(DEFAULT_BUNDLE).feats)


def _table4() -> str:
    rows = []
    for system, label in _SYSTEMS.items():
        names = trained_treebanks(load_facts(system.format("gold")))
        if not names:
            continue
        rows.append(_macro_row(label, system, names))
        if not system.startswith("student"):
            told = "-told" if system.endswith("-told") else ""
            label = f"- the student{told and ', told,'} on the same treebanks"
            rows.append(_macro_row(label, f"student-{{}}{told}", names))
    paper = PAPER_MACRO.items()
    rows += [[f"paper: {name}", "", "", pair(*row), "", ""] for name, row in paper]
    header = ["system", "treebanks", "gold tokens"]
    header += ["raw, segmented as the treebank (the paper's setting)"]
    header += ["raw, language known", "raw, language identified"]
    text = (
        "Macro average over the test sets that a system has a model for; the student's average "
        f"over the same ones stands below each. {SETTING}."
    )
    return f"## Table 4: multilingual systems\n\n{text}\n\n{markdown_table(header, rows)}"


def _macro_row(label: str, system: str, treebanks: Collection[str]) -> list[str]:
    modes = ("gold", "raw-treebank", "raw-known", "raw")
    cells = [scores_cell(load_facts(system.format(mode)), treebanks) for mode in modes]
    return [label, str(len(treebanks)), *cells]


def _table6() -> str:
    rows = []
    for name, label in _CODE_MIXED.items():
        facts = load_facts(name)
        if facts is not None:
            rows_of = facts.treebank_to_f1
            cells = [number(rows_of.get(key, {}).get("UPOS")) for key in ("qtd_sagt", "qte_tect")]
            rows.append([label, *cells, ""])
    rows += [[f"paper: {name}", "", "", number(f1)] for name, f1 in PAPER_CODE_MIXED.items()]
    header = ["system", "Turkish-German SAGT", "Telugu-English TECT", "Hindi-English"]
    text = (
        "UPOS on gold tokens, in percent. The paper replaces X by the second-best label. None of "
        "our systems learnt from the code-mixed treebanks. TECT has 166 tokens: one of them is "
        "0.6 points."
    )
    return f"## Table 6: code-mixed text\n\n{text}\n\n{markdown_table(header, rows)}"


def _lemmas() -> str:
    rows = []
    for system, label in _SYSTEMS.items():
        names = _with_lemmas(load_facts(system.format("gold")))
        if names:
            rows.append(_lemma_row(label, system, names))
            if not system.startswith("student"):
                rows.append(_lemma_row("- the student on the same treebanks", "student-{}", names))
    text = (
        "Lemmas, CoNLL 2018 F1 in percent, macro over the test sets that have lemmas and that a "
        "system has a model for: a word without a lemma in the file counts as right. Lemmas of "
        "all systems and of the test files are cleaned by one rule a language "
        "([lemmas.md](lemmas.md)): what treebanks add to words (`yli#opisto`), or write in "
        "place of lemmas (`@card@`), is taken out."
    )
    header = ["system", "treebanks", "gold tokens", "raw, language known", "raw"]
    body = markdown_table(header, rows) if rows else "Not measured."
    return f"## Lemmas\n\n{text}\n\n{body}"


def _with_lemmas(facts: Facts | None) -> set[str]:
    names = trained_treebanks(facts)
    return {name for name in names if facts and LEMMAS in facts.treebank_to_f1[name]}


def _lemma_row(label: str, system: str, treebanks: Collection[str]) -> list[str]:
    cells = []
    for mode in ("gold", "raw-known", "raw"):
        facts = load_facts(system.format(mode))
        cells.append(number(facts.mean(LEMMAS, treebanks) if facts else None))
    return [label, str(len(treebanks)), *cells]


_SECTIONS: dict[str, Callable[[], str]] = {
    "table1": _table1,
    "table2": _table2,
    "table3": speed_section,
    "table4": _table4,
    "table5": _table5,
    "table6": _table6,
    "lemmas": _lemmas,
    "raw": raw_section,
    "kinds": kinds_section,
    "forms": forms_section,
    "treebanks": treebanks_section,
}
