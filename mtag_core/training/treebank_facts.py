"""What is known of single treebanks: one row a treebank, and nothing about one anywhere else.

A treebank without a row is edited text whose train file can be trusted. Facts about languages are
in `mtag_core.languages`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TreebankFacts:
    """What sets a treebank apart.

    Attributes:
        name: Such as `en_ewt`.
        is_edited_text: Not speech or tweets, whose sentence ends and labels are of their own kind.
        standard: ISO 639 code of the written standard, where it is not the treebank's language.
        has_train_feats: The train file has the features that dev and test have; without them its
            FEATS are not learnt, and three quarters of the dev file are trained on in any case.
        has_train_spacing: The train file says where there is no space between tokens.
        replaced_feats: Wrong parts of the train file's bundles, and what dev writes in their place.
        unlabelled_feats: UPOS and FEATS that are frequent in train and next to absent in dev; such
            FEATS are not learnt.
    """

    name: str
    is_edited_text: bool = True
    standard: str | None = None
    has_train_feats: bool = True
    has_train_spacing: bool = True
    replaced_feats: tuple[tuple[str, str], ...] = ()
    unlabelled_feats: frozenset[tuple[str, str]] = frozenset()


def _pairs(*pairs: str) -> frozenset[tuple[str, str]]:
    upos_and_feats = (pair.split() for pair in pairs)
    return frozenset((upos, feats) for upos, feats in upos_and_feats)


_ROWS = (
    TreebankFacts(
        "de_gsd", unlabelled_feats=_pairs("PROPN _", "PROPN Case=Gen|Gender=Fem|Number=Sing")
    ),
    TreebankFacts("fr_spoken", is_edited_text=False),
    # No Number, Voice, PronType or Degree in the train file.
    TreebankFacts("id_gsd", has_train_feats=False),
    TreebankFacts("it_postwita", is_edited_text=False),
    TreebankFacts("la_ittb", unlabelled_feats=_pairs("ADV Degree=Pos", "PART _")),
    # 65 % of the train file's indicative verbs have `Fh,Nfh`; dev and test have `Fh` alone.
    TreebankFacts("lv_lvtb", replaced_feats=(("Evident=Fh,Nfh", "Evident=Fh"),)),
    TreebankFacts("nl_alpino", unlabelled_feats=_pairs("PROPN Gender=Com,Neut|Number=Sing")),
    TreebankFacts("no_bokmaal", standard="nb"),
    TreebankFacts("no_nynorsk", standard="nn"),
    TreebankFacts("no_nynorsklia", is_edited_text=False),
    TreebankFacts(
        "pt_bosque",
        unlabelled_feats=_pairs(
            "DET Definite=Def|PronType=Art",
            "PROPN Gender=Unsp|Number=Sing",
            "VERB Mood=Ind|Number=Plur|Person=3|Tense=Past|VerbForm=Fin",
        ),
    ),
    # A space around every token in the train file's text.
    TreebankFacts("sk_snk", has_train_spacing=False),
    TreebankFacts("sl_sst", is_edited_text=False),
    TreebankFacts(
        "sv_lines",
        unlabelled_feats=_pairs(
            "ADJ Case=Nom|Definite=Def|Degree=Pos|Gender=Com|Number=Sing",
            "ADJ Case=Nom|Definite=Def|Degree=Pos|Gender=Neut|Number=Sing",
            "PRON Definite=Def|Number=Plur|PronType=Prs",
        ),
    ),
)
TREEBANK_FACTS = {facts.name: facts for facts in _ROWS}


def facts_of(treebank: str) -> TreebankFacts:
    """The row of a treebank; one of defaults where there is none."""
    return TREEBANK_FACTS.get(treebank) or TreebankFacts(treebank)
