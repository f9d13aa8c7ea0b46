"""Speed, beside the paper's."""

from typing import Any

from benchmarks.paper import reported
from benchmarks.paper.facts import load_benchmark, number, table


def speed_section() -> str:
    """Table 3: relative speed."""
    gpu = load_benchmark("tag_gpu")
    rows = [
        [f"paper: {name}, {device}", *(number(value) for value in values), "", ""]
        for name, devices in reported.SPEED.items()
        for device, values in devices.items()
    ]
    rows += _speed_rows(load_benchmark("tag_cpu"))
    rows += _speed_rows(gpu, suffix=", GPU")
    header = ["system", "32 words", "128 words", "words/s at 32", "words/s at 128"]
    parts = [f"## Table 3: speed\n\n{_SPEED}", table(header, rows)]
    if gpu:
        parts.insert(1, _GPU_SPEED.format(**gpu))
    systems = load_benchmark("raw_cpu").get("systems", {})
    if systems:
        raw = [[name, f"{row['words_per_s']:,}"] for name, row in systems.items()]
        parts += [_RAW_SPEED, table(["from raw text", "words/s"], raw)]
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
median of the rounds taken: the ratios hold better than the speeds. The torch models but the
Meta-LSTM have random weights, and their wordpieces are made beforehand; the bundle's are timed. The
Meta-LSTM is an earlier multilingual one of 4.5M weights, several times narrower than the paper's,
hence faster. The bundle was timed before it knew conventions; those cost it 1% since (tagger alone,
both in turn, median of 7 rounds), whether they are followed or not."""
_GPU_SPEED = """\
The rows that say GPU are words per wall-clock second on one {device}, over BERT-base
there, from the wordpieces on the CPU to the labels read back; the Meta-LSTM there is one of a
treebank, hardly trained, since its weights do not change its speed."""
_RAW_SPEED = """\
Raw text to tags, a word being what stands between white space. mtag identifies the language of each
line, cuts sentences and tokens and gives UPOS and FEATS; spaCy runs its tokenizer, a rule for
sentences and the components that give UPOS and FEATS, without parser, entities or lemmas. This
was measured when the machine was about half as fast as for the rows above, so only the ratios
compare; splits that see their neighbours cost French about an eighth of its speed while
forms are new."""
