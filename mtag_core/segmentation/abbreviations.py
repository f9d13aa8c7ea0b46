"""Abbreviations that are followed by a capital or a number more often than by a new sentence.

Only those that hardly ever end a sentence: titles, references, units before numbers, months. What
may do either, such as "etc.", is left to the models.
"""

from mtag_core.segmentation.word_units import styleless, text_code

# code | abbreviations without their last full stop, several units written together | months that
# follow an ordinal
_ROWS = """
* | dr drs prof mr mrs ms st sr jr fr vs cf fig art vol nr op ed eds tel dept gen col lt sgt capt rev hon
en | messrs mt ave rd blvd no nos pp p ch sec approx ca jan feb mar apr jun jul aug sep sept oct nov dec i.e e.g viz gov sen rep pres supt brig maj cpl adm cmdr inc co corp ltd
de | hr fr fa str abb kap nr bd s vgl z.b d.h u.a bzw ca evtl ggf inkl zzgl sog ing dipl mag hl st jh inh tab anm abs aufl hrsg mio mrd geb verf | januar jänner februar märz april mai juni juli august september oktober november dezember jan feb jahrhundert
nl | dhr mevr mw ir ing blz pag bijv bv d.w.z o.a nl ca zgn art hfst afb jl | januari februari maart april mei juni juli augustus september oktober november december
fr | m mm mme mmes mlle mgr me av bd p pp cf art chap fig vol n° env éd ste
es | sr sra srta sres dr dra d dª ud uds ee avda av pág págs núm cap art fig gral lic ing prof profa pza
ca | sr sra srta dr dra av pàg núm cap art fig prof
gl | sr sra srta dr dra av páx núm cap art fig prof
pt | sr sra srª dr dra drª av r pág págs n.º cap art fig prof profa eng exmo sto
it | sig sigg sig.ra sig.na dott dott.ssa prof prof.ssa avv ing arch on p pag pagg cap art fig vol n ecc.mo mons cav geom rag
ro | dl d-na dna dr prof str nr pag fig art cap bd ing gen
sv | dr prof s sid kl t.ex bl.a s.k d.v.s dvs ca nr kap bl fig st tel
da | dr prof s kl f.eks bl.a d.v.s dvs ca nr kap hr fr fru | januar februar marts april maj juni juli august september oktober november december
no | dr prof s kl f.eks bl.a d.v.s dvs ca nr kap hr fru | januar februar mars april mai juni juli august september oktober november desember
fi | tri prof s ks esim ts mm ns klo n nro os dos maist | tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta lokakuuta marraskuuta joulukuuta
et | dr prof lk vt nt nr hr pr tn | jaanuar veebruar märts aprill mai juuni juuli august september oktoober november detsember
pl | dr prof hab mgr inż ks o św ul al pl str s zob np tzn tj ok nr red gen płk mjr kpt por im tel woj
cs | dr prof ing mgr bc doc mudr judr phdr str s viz např tzv tj č čl ul nám sv gen plk kpt obr tab | ledna února března dubna května června července srpna září října listopadu prosince století
sk | dr prof ing mgr bc doc mudr judr phdr str s napr tzv tj č čl ul nám sv gen plk kpt obr tab | januára februára marca apríla mája júna júla augusta septembra októbra novembra decembra storočia storočí
sl | dr prof g ga gdč str npr tj t.i št čl ul sv mag inž ing | januar februar marec april maj junij julij avgust september oktober november december stoletje
hr | dr prof g gđa gđica str npr tj tzv br čl ul sv mr ing dipl | siječnja veljače ožujka travnja svibnja lipnja srpnja kolovoza rujna listopada studenog prosinca stoljeće
sr | dr prof g gđa str npr tj tzv br čl ul sv mr ing dipl др проф г гђа стр нпр тј тзв бр чл ул св мр инж | januar februar mart april maj jun jul avgust septembar oktobar novembar decembar јануар фебруар март април мај јун јул август септембар октобар новембар децембар
hu | dr prof id ifj u old pl ún ill kb sz vö st szt özv | január február március április május június július augusztus szeptember október november december század
lt | dr prof p pvz t.y g pr al gyd doc hab
lv | dr prof lpp piem t.i nr u.c
tr | dr prof doç av bkz s no cad sok mah apt müh öğr sn hz m.ö m.s
ru | проф акад доц г-н г-жа см стр с рис ул пр пер пл д кв г гг в вв т.е т.к т.н напр им св тов гр тел обл р-н ср табл гл
uk | проф акад доц п див стор с рис вул пр пл буд кв м р рр ст т.зв напр ім св тов тел обл табл гл
be | праф акад дац гл стар с мал вул пл д кв г гг ст т.зв напр ім св
bg | проф акад доц д-р г-н г-жа вж стр с ул бул гр г т.е т.нар напр св инж арх
el | κ κα κος δρ καθ βλ σελ αρ π.χ δηλ τηλ οδ λεωφ αγ
eu | or jn and dk zk
id | dr prof drs ir h hj jl no hlm tn ny sdr kec kab
vi | tp gs ts ths pgs bs
"""


def short_forms(language: str) -> frozenset[str]:
    """The abbreviations of a language, those of all languages included."""
    return _LANGUAGE_TO_FORMS["*"] | _LANGUAGE_TO_FORMS.get(language, frozenset())


def month_codes(language: str) -> frozenset[int]:
    """Codes of the words that follow an ordinal with a full stop in a language."""
    return _LANGUAGE_TO_MONTHS.get(language, frozenset())


def _read(column: int) -> dict[str, frozenset[str]]:
    rows = [[cell.strip() for cell in line.split("|")] for line in _ROWS.strip().splitlines()]
    return {row[0]: frozenset(row[column].split()) for row in rows if len(row) > column}


_LANGUAGE_TO_FORMS = _read(1)
_LANGUAGE_TO_MONTHS = {
    language: frozenset(text_code(styleless(word)) for word in words)
    for language, words in _read(2).items()
}
