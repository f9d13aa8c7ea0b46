import pytest

from mtag_core.corpus.items import ReadOptions
from mtag_core.errors import UsageError
from mtag_core.output.writers import OutputFormat
from pipelines.options import CorpusOptions, JobOptions, parse_options
from pipelines.teacher_logits import parse_teacher_options

NEEDED = ["--input=a", "--output=b"]


def test_languages_go_by_their_codes():
    options = parse_options([*NEEDED, "--languages", "French,deu", "en"])
    assert options.tagger.languages == ("de", "en", "fr")
    assert parse_options([*NEEDED, "--language=pt-BR"]).tagger.language == "pt"
    assert parse_options([*NEEDED, "--language=xyz1"]).tagger.language == "xyz1"


def test_groups_of_options_are_the_same_in_both_jobs():
    flags = ["--input=a,c", "--output=b/", "--limit=3", "--document=line", "-v"]
    flags += ["--direct_num_workers=2", "--worker_timeout=1.5"]
    annotate, teacher = parse_options(flags), parse_teacher_options(flags)
    assert annotate.corpus == teacher.corpus
    assert annotate.corpus == CorpusOptions(
        input=("a", "c"), read=ReadOptions(document="line"), limit=3
    )
    assert annotate.job == teacher.job
    assert annotate.job == JobOptions(
        output="b", worker_timeout=1.5, verbose=True, beam_flags=("--direct_num_workers=2",)
    )


def test_the_format_of_parts_is_made_of_two_flags():
    options = parse_options([*NEEDED, "--format=jsonl", "--compression=gz"])
    assert options.output_format == OutputFormat("jsonl", "gz")


def test_the_choice_of_sentences_is_a_group():
    flags = ["--languages", "french", "de", "--no-deduplicate", "--temperatures=1,4"]
    options = parse_teacher_options([*NEEDED, *flags])
    assert options.choice.languages == ("de", "fr")
    assert not options.choice.needs_survey
    assert options.summary.temperatures == (1.0, 4.0)


@pytest.mark.parametrize("parse", [parse_options, parse_teacher_options])
@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--inptu=a"], "unknown flag --inptu; did you mean --input?"),
        ([*NEEDED, "--outputs=b"], "unknown flag --outputs; did you mean --output?"),
        ([*NEEDED, "--worker_timout=1"], "unknown flag --worker_timout; did you mean"),
        ([*NEEDED, "--direct_num_wokers=2"], "did you mean --direct_num_workers?"),
        ([*NEEDED, "--direct_num_workers=x"], "argument --direct_num_workers: invalid int value"),
        ([*NEEDED, "c"], "unexpected argument 'c'; files are named with --input"),
        ([*NEEDED, "--document=page"], "argument --document: invalid choice: 'page'"),
        ([*NEEDED, "--limit=0"], "argument --limit: '0' is not a whole number above 0"),
        (["--input=,", "--output=b"], "--input is empty; name a file"),
        ([], "the following arguments are required: --input, --output"),
    ],
)
def test_a_wrong_flag_is_one_line_that_says_what_to_do(parse, flags, message):
    with pytest.raises(UsageError) as caught:
        parse(flags)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_flags_of_the_job_server_are_known():
    options = parse_options([*NEEDED, "--runner=FlinkRunner", "--parallelism=2"])
    assert options.job.beam_flags == ("--parallelism=2",)


def test_the_older_name_of_a_flag_says_the_new_one(capsys):
    options = parse_options([*NEEDED, "--conventions", "pl_lfg", "fr_gsd"])
    assert options.tagger.treebank_style == ("fr_gsd", "pl_lfg")
    assert capsys.readouterr().err == "mtag: --conventions is now --treebank_style\n"


def test_the_help_says_for_which_formats_a_flag_is(capsys):
    with pytest.raises(SystemExit):
        parse_options(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "field of the document id (CSV, JSON, Parquet)" in shown
    assert "{auto,conllu,csv,html,warc,jsonl,mediawiki,parquet,text}" in shown


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--workers=2", "--direct_num_workers=2"], "give --workers or --direct_num_workers"),
        (["--workers=2", "--runner=FlinkRunner"], "--workers is for runs on this machine"),
        (
            ["--num_workers=2"],
            "is for Dataflow, the runner is DirectRunner; did you mean --workers",
        ),
        (["--region=x", "--runner=FlinkRunner"], "--region is for Dataflow"),
    ],
)
def test_flags_of_another_runner_are_refused(flags, message):
    with pytest.raises(UsageError, match=message):
        parse_options(["--input=a", "--output=b", *flags])
