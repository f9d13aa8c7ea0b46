"""Abbreviations that are followed by a capital or a number more often than by a new sentence.

Only those that hardly ever end a sentence: titles, references, units before numbers, months. What
may do either, such as "etc.", is left to the models.
"""

from mtag_core.segmentation.word_units import styleless, text_codes

# code | titles, which a name follows, and what else never ends a sentence; those with a capital only
# where the text has it, too | other abbreviations | months that follow an ordinal. Without their last
# full stop; several units are written together.
_ROWS = """
* | mr mrs dr drs prof mme mlle Ms Mgr Capt Sgt Lt | ms st sr jr fr vs cf fig art vol nr op ed eds tel dept gen col lt sgt capt rev hon
en | messrs Rev Hon Gov Sen Rep Pres Supt Brig Maj Cpl Adm Cmdr Gen Col Pvt Fr Mx Msgr Insp Det Amb approx e.g i.e viz | mt ave rd blvd no nos pp p ch sec ca jan feb mar apr jun jul aug sep sept oct nov dec supt brig cpl adm cmdr inc co corp ltd u.s u.k u.n
de | hr frl Ing Dipl Hl St Dres univ-prof priv.-doz med phil jur rer nat habil z.b d.h bzw vgl sog | fr fa str abb kap nr bd s u.a ca evtl ggf inkl zzgl ing dipl hl st jh inh tab anm abs aufl hrsg mio mrd geb verf | januar jänner februar märz april mai juni juli august september oktober november dezember jan feb jahrhundert
nl | dhr mevr Mw Ir Ing jkvr Jhr Ds d.w.z bijv zgn | mw ir ing blz pag bv o.a nl ca art hfst afb jl | januari februari maart april mei juni juli augustus september oktober november december
fr | M MM mmes mlles Me Pr Ste Vve | m mm mgr me av bd p pp cf art chap fig vol n° env éd ste
es | sr sra srta sres sras dra dres D Dª dña Gral Lic Ing profa Mons Fr Cnel Tte Pbro excmo ilmo | d dª ud uds ee avda av pág págs núm cap art fig gral lic ing pza
ca | sr sra srta dra sres Mn | av pàg núm cap art fig
gl | sr sra srta dra sres D | av páx núm cap art fig
pt | sr sra srª srs sras srta dra drª drs D Eng profa profª exmo exma Sto Pe Gen Cel | av r pág págs n.º cap art fig eng sto
it | sig sigg sig.ra sig.na sigra sig.ri dott dott.ssa prof.ssa Avv Ing Arch On l'on on mons Cav Geom Rag ecc.mo Gen Col Cap | avv ing arch p pag pagg cap art fig vol n cav geom rag
ro | dl d-na dna d-l d-lui d-nei Ing | str nr pag fig art cap bd ing gen
sv | Hr t.ex d.v.s s.k | s sid kl bl.a dvs ca nr kap bl fig st tel
da | hr f.eks d.v.s s.k | s kl bl.a dvs ca nr kap fr | januar februar marts april maj juni juli august september oktober november december
no | hr f.eks d.v.s s.k | s kl bl.a dvs ca nr kap | januar februar mars april mai juni juli august september oktober november desember
fi | Tri esim ts ns | tri s ks mm klo n nro os dos maist | tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta lokakuuta marraskuuta joulukuuta
et | Hr | lk vt nt nr hr pr tn | jaanuar veebruar märts aprill mai juuni juuli august september oktoober november detsember
pl | hab inż ks św płk mjr kpt abp bp np tzn tzw | mgr o ul al pl str s zob tj ok nr red gen por im tel woj
cs | Ing Bc Doc mudr judr phdr rndr paeddr thdr sv plk kpt mjr např tzv tj | ing mgr bc doc str s viz č čl ul nám gen obr tab | ledna února března dubna května června července srpna září října listopadu prosince století
sk | Ing Bc Doc mudr judr phdr rndr paeddr sv plk kpt mjr napr tzv tj | ing mgr bc doc str s č čl ul nám gen obr tab | januára februára marca apríla mája júna júla augusta septembra októbra novembra decembra storočia storočí
sl | Mag inž Ing npr t.i | g gdč str tj št čl ul sv mag ing | januar februar marec april maj junij julij avgust september oktober november december stoletje
hr | Mr Ing Dipl npr tzv | g gđa gđica str tj br čl ul sv ing dipl | siječnja veljače ožujka travnja svibnja lipnja srpnja kolovoza rujna listopada studenog prosinca stoljeće
sr | Mr Ing Dipl др проф мр инж npr tzv нпр тзв | g gđa str tj br čl ul sv ing dipl г гђа стр тј бр чл ул св | januar februar mart april maj jun jul avgust septembar oktobar novembar decembar јануар фебруар март април мај јун јул август септембар октобар новембар децембар
hu | Id ifj özv pl ún ill | id u old kb sz vö st szt | január február március április május június július augusztus szeptember október november december század
lt | | p pvz t.y g pr al gyd doc hab
lv | | lpp piem t.i nr u.c
tr | doç Av yrd Müh Öğr Op Hz Sn | av bkz s no cad sok mah apt müh öğr sn hz m.ö m.s
ru | проф акад доц г-н г-жа д-р т.е т.к напр | см стр с рис ул пр пер пл д кв г гг в вв т.н им св тов гр тел обл р-н ср табл гл
uk | проф акад доц д-р т.зв напр | п див стор с рис вул пр пл буд кв м р рр ст ім св тов тел обл табл гл
be | праф акад дац т.зв напр | гл стар с мал вул пл д кв г гг ст ім св
bg | проф акад доц д-р г-н г-жа инж т.е напр | вж стр с ул бул гр г т.нар св арх
el | κ κα κος δρ καθ π.χ δηλ | βλ σελ αρ τηλ οδ λεωφ αγ
eu | | or jn and dk zk
id | Ir H Hj Tn Ny | ir h hj jl no hlm tn ny sdr kec kab
vi | GS TS ThS PGS BS | tp gs ts ths pgs bs
"""


def short_forms(language: str) -> frozenset[str]:
    """The abbreviations of a language but its titles, those of all languages included."""
    return _LANGUAGE_TO_FORMS["*"] | _LANGUAGE_TO_FORMS.get(language, frozenset())


def titles(language: str) -> frozenset[str]:
    """The abbreviated titles of a language, those of all languages included."""
    return _LANGUAGE_TO_TITLES["*"] | _LANGUAGE_TO_TITLES.get(language, frozenset())


def month_codes(language: str) -> frozenset[int]:
    """Codes of the words that follow an ordinal with a full stop in a language."""
    return _LANGUAGE_TO_MONTHS.get(language, frozenset())


def _read(column: int) -> dict[str, frozenset[str]]:
    rows = [[cell.strip() for cell in line.split("|")] for line in _ROWS.strip().split("\n")]
    return {row[0]: frozenset(row[column].split()) for row in rows if len(row) > column}


_LANGUAGE_TO_TITLES = _read(1)
_LANGUAGE_TO_FORMS = _read(2)
_LANGUAGE_TO_MONTHS = {
    language: frozenset(text_codes([styleless(word) for word in words]))
    for language, words in _read(3).items()
}
