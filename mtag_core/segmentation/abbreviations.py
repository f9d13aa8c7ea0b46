"""Abbreviations that are followed by a capital or a number more often than by a new sentence.

Only those that hardly ever end a sentence: titles, references, units before numbers, months. What
may do either, such as "etc.", is left to the models.
"""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import regex

from mtag_core.arrays import text_codes
from mtag_core.segmentation.word_units import styleless

# code | titles, which a name follows, and what else never ends a sentence; those with a capital only
# where the text has it, too | others | words that follow an ordinal | what may end a sentence, but
# not before a small letter or a number | what may, but not before a number. Without their last full
# stop; several units are written together.
_ROWS = """
* | mr mrs dr drs prof mme mlle Ms Mgr Capt Sgt Lt akad kapt डॉ डा प्रो प्रा मि पं श्री ড ডা ডঃ মো মোঃ ડૉ ડો પ્રો મિ શ્રી ਡਾ ਪ੍ਰੋ ਸ திரு திருமதி டாக் డా శ్రీ మి ಡಾ ಶ್ರೀ ಮಿ ಕು ഡോ ശ്രീ മി | ms st sr jr fr vs cf fig vol nr op eds tel dept gen col lt sgt capt rev hon | | etc cf al | no art fig p pp vol nr ed sec
en | messrs Rev Hon Gov Sen Rep Pres Supt Brig Maj Cpl Adm Cmdr Gen Col Pvt Fr Mx Msgr Insp Det Amb approx e.g i.e viz Ofc Atty Adj Dir Mme | mt ave rd blvd nos pp p ch ca jan feb mar apr jun jul aug sep sept oct nov dec supt brig cpl adm cmdr inc co corp ltd u.s u.k u.n apt bldg univ tues thurs vols trans rpt a.d b.c ph.d m.d a.k.a | | etc al ibid incl approx ft lb lbs oz hr hrs min mins sec yr yrs max est dept a.m p.m inc ltd co corp jr sr wt temp | no art fig sec ch app
de | hr frl Ing Dipl Hl St Dres univ-prof priv.-doz med phil jur rer nat habil z.b d.h bzw vgl sog Mag Pfr Präs Dir RA Hptm Geh | fr fa str abb kap nr bd s u.a ca evtl ggf inkl zzgl ing dipl hl st jh inh tab anm abs aufl hrsg mio mrd geb verf okt sept febr aug dez nov apr jän tsd pfd stk std verh verst kath evang ev röm österr schweiz dt engl frz franz lat griech bes allg ehem zw gem vorm nachm resp ggü betr bzgl etw u.u s.o s.u i.d.r i.a v.a v.chr n.chr a.d i.b a.m | januar jänner februar märz april mai juni juli august september oktober november dezember jan feb jahrhundert okt sept febr aug dez nov apr jän mär jh jhdt klasse stock platz tag mal kapitel auflage weltkrieg geburtstag dynastie liga runde woche generation grad teil band reihe stelle jahrestag bezirk armee division etage spieltag spielminute internationale internationalen bandes jahrhunderts weltkriegs weltkrieges klassen kapitels stocks | usw etc usf bzw u.a u.ä o.ä ca evtl ggf inkl exkl zzgl bspw resp vs mio mrd pfd tsd std min max sek jh jhs chr al ff f geb verst u.v.m o.g u.v.a m.e i.a i.d.r s.o s.u | art bd abb kap fig p pp s bl min f ff tab anm nr abs
nl | dhr mevr Mw Ir Ing jkvr Jhr Ds d.w.z bijv zgn Prof Drs Mevr Fam Burg | mw ir ing blz pag bv o.a nl ca hfst afb jl ong afd dec febr aug sept okt m.b.t i.p.v d.m.v m.a.w o.l.v t.a.v t.o.v i.v.m n.a.v a.u.b t.w a.s v.chr n.chr jan apr | | enz etc e.d e.a resp incl excl bijv chr max min o.a | art nr afb blz p kap hfst
fr | M MM mmes mlles c.-à-d c.à.d Me Pr Ste Vve Mmes Mlle Mgr Prof Ch | m mm mgr me av bd p pp cf chap fig vol n° env éd ste bld tél réf apr j.-c dépt trad coll n°s p.ex c.-à-d c.à.d n.d.l.r i.e e.g janv févr avr juil sept oct nov déc | | etc suiv al p.ex c.-à-d env hab min sec coll éd c.à.d cf max | art fig p pp n vol t ch chap no
es | sr sra srta sres sras dra dres D Dª dña Gral Lic Ing profa Mons Fr Cnel Tte Pbro excmo ilmo Mtro Mtra Arq Sto Sta Hno Hna Alte Pdte Pdta Excma Ilma Rvdo Rev | d dª ud uds ee avda av pág págs núm cap fig gral lic ing pza ene feb abr jul ago sept oct nov dic tel aprox izq dcha ej núms párr arts c.c ee.uu jj.oo ff.aa ff.cc cc.oo rr.hh p.ej s.a d.c a.c i.e p.d q.e.p.d | | etc ej al aprox p.ej c.c máx mín a.m p.m hab kms d.c a.c | art fig p pp vol cap págs ed t
ca | sr sra srta dra sres Mn Prof Profa Mons Hble | av pàg núm cap fig febr abr jul ag oct nov des tel aprox ctra núms s.a p.ex ee.uu a.c d.c | | etc ex aprox p.ex hab | art fig p pp vol cap
gl | sr sra srta dra sres D Prof Profa Excmo Ilmo | av páx núm cap fig xan feb abr xuñ xul nov dec tel aprox p.ex ee.uu s.a a.c d.c | | etc ex aprox p.ex hab | art fig p pp vol cap
pt | sr sra srª srs sras srta dra drª drs D Eng profa profª exmo exma Sto Pe Gen Cel Arq Dep Maj Ten Sgt Mons Rev Exm Ilm Dras | av r pág págs n.º cap fig eng sto jan fev abr jul ago nov tel aprox séc núm p.ex e.u.a s.a a.c d.c i.e ltda | | etc ex aprox p.ex séc máx mín hab d.c a.c | art fig p pp vol cap ed
it | sig sigg sig.ra sig.na sigra sig.ri dott dott.ssa prof.ssa Avv Ing Arch On l'on on mons Cav Geom Rag ecc.mo Gen Col Cap Egr Gent Spett Rev Mons Magg Serg Brig Comm Sen | avv ing arch p pag pagg cap fig vol n cav geom rag feb apr giu lug sett ott nov dic tel prov segg sgg fraz s.p.a s.r.l a.c d.c p.es c.d cfr cit p.zza v.le gen | | ecc etc es p.es segg ca cit cfr c.d min max a.c d.c | art artt fig p pp pag pagg vol cap n nn t
ro | dl d-na dna d-l d-lui d-nei Ing Dna Dra Acad Cpt Sf Pr Ec Av Arh Conf Lect Asist Univ | str nr pag fig cap bd ing gen ian febr apr iun iul aug sept oct nov dec tel bl jud loc mun vol ș.a î.hr d.hr a.c p.ex | | etc ș.a ș.a.m.d ex mil mld d.hr î.hr | nr art fig p pp vol cap lit
sv | Hr t.ex d.v.s s.k Doc Fil Tekn Jur | s sid kl bl.a dvs ca nr kap bl fig st tel jan febr aug sept okt nov dec ung resp milj mdr tfn f.n p.g.a t.o.m m.fl f.d e.kr f.kr t.h t.v e.d | | osv etc m.m m.fl o.s.v o.d e.d dyl dvs resp milj kr inkl exkl bl.a ca kl f.kr e.kr t.ex s.k fr | s nr fig art kap bd p
da | hr f.eks d.v.s s.k Fru Prof Frk Kgl Kpt | s kl bl.a dvs ca nr kap fr jan febr aug sept okt nov dec tlf mio mia pct stk resp inkl ekskl evt vedr bd fig d.d i.e p.g.a m.h.t f.kr e.kr s.u t.v t.h | januar februar marts april maj juni juli august september oktober november december jan febr aug sept okt nov dec | osv etc m.m m.v m.fl o.l o.lign mv mm mio mia pct kr resp inkl ca evt bl.a f.kr e.kr f.eks fx | nr s art fig kap bd p
no | hr f.eks d.v.s s.k Prof Frk | s kl bl.a dvs ca nr kap jan febr aug sept okt nov des tlf mill mrd pst resp inkl ekskl evt bd fig f.kr e.kr t.h t.v p.g.a | januar februar mars april mai juni juli august september oktober november desember jan febr aug sept okt nov des | osv etc m.m m.v m.fl o.l mv mm mill mrd pst kr resp inkl ca evt bl.a f.kr e.kr f.eks | nr s art fig kap bd p
fi | Tri esim ts ns Toht Dipl.ins Ylit | tri s ks mm klo n nro os dos maist tammik helmik maalisk huhtik toukok kesäk heinäk elok syysk lokak marrask jouluk puh milj mrd kpl vrt engl ruots saks n.s | tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta lokakuuta marraskuuta joulukuuta tammik helmik maalisk huhtik toukok kesäk heinäk elok syysk lokak marrask jouluk | jne ym yms mm ts esim ekr jkr tms ns vrt milj mrd kpl pv min alk puh n.s ks | s nro fig
et | Hr Dots Akad | lk vt nt nr hr pr tn veebr apr aug sept okt nov dets tel mln mld tk e.m.a m.a.j ekr pkr | jaanuar veebruar märts aprill mai juuni juuli august september oktoober november detsember veebr apr aug sept okt nov dets aprillil mail jaanuaril veebruaril märtsil juunil juulil augustil septembril oktoobril novembril detsembril sajandil sajand sajandi klass klassi | jne jm jms jt vms mln mld tk ekr pkr ca u sh nn vt nt | lk nr joon ptk
pl | hab inż ks św płk mjr kpt abp bp np tzn tzw dypl kard bł ppłk kpr sierż adw | mgr o ul al pl str s zob tj ok nr red gen por im tel woj stycz kwiec czerw lip sierp wrzes paźdz listop grud godz tys mln mld rozdz rys tab niem łac ww m.in t.j d.s p.n.e n.e wyd | wieku wiek | itd itp etc ok tys mln mld zł gr r w in m.in tzn tj np wyd red godz n.e p.n.e cyt min sek tzw wg św | s str nr t rys tab art rozdz ust pkt poz stycz lut kwiec czerw lip sierp wrzes paźdz listop grud
cs | Ing Bc Doc mudr judr phdr rndr paeddr thdr sv plk kpt mjr např tzv tj arch pplk npor akad univ | ing mgr bc doc str s viz č čl ul nám gen obr tab kap odst písm roč vyd tel tzn popř příp resp t.j t.zv př.n.l n.l a.s s.r.o t.č mld | ledna února března dubna května června července srpna září října listopadu prosince století dubnu lednu únoru březnu květnu červnu červenci srpnu říjnu prosinci | atd apod aj etc resp popř příp tzv tis mil mld hod tj viz mj vč n.l l kč min sek tzn např č r st stol | s str č obr kap odst písm čl sv
sk | Ing Bc Doc mudr judr phdr rndr paeddr sv plk kpt mjr napr tzv tj akad univ | ing mgr bc doc str s č čl ul nám gen obr tab kap ods písm roč vyd tel tzn resp príp t.j t.zv t.č n.l pr.n.l a.s s.r.o mld | januára februára marca apríla mája júna júla augusta septembra októbra novembra decembra storočia storočí januári februári marci apríli máji júni júli auguste septembri októbri novembri decembri | atď apod pod a.i i.n etc resp príp tzv tis mil mld hod tj mj vr n.l min sek napr č r st stor | s str č obr kap ods písm čl
sl | Mag inž Ing npr t.i Doc Akad Ga | g gdč str tj št čl ul sv mag ing tel tzv oz m.n.m pr.n.št n.št d.o.o d.d | januar februar marec april maj junij julij avgust september oktober november december stoletje januarja februarja marca aprila maja junija julija avgusta septembra oktobra novembra decembra stoletju stoletja razred razredu razreda | itd ipd idr itn oz npr ok tj tis mio mrd št ur min | str št čl sv sl
hr | Mr Ing Dipl npr tzv Doc Akad sc Ga | g gđa gđica str tj br čl ul sv ing dipl tel mlrd odn t.j pr.kr po.kr d.o.o d.d n.e pr.n.e pogl god | siječnja veljače ožujka travnja svibnja lipnja srpnja kolovoza rujna listopada studenog prosinca stoljeće siječnju veljači ožujku travnju svibnju lipnju srpnju kolovozu rujnu listopadu studenome studenom prosincu stoljeću stoljeća razred razredu razreda | itd sl tzv odn npr god tj tis mil mlrd kn čl st min | str br čl sv sl pogl
sr | Mr Ing Dipl др проф мр инж npr tzv нпр тзв Doc Akad Доц Акад Инж sc | g gđa str tj br čl ul sv ing dipl г гђа стр тј бр чл ул св tel hilj mlrd odn t.j pr.n.e n.e d.o.o god хиљ млрд одн т.ј пр.н.е н.е год | januar februar mart april maj jun jul avgust septembar oktobar novembar decembar јануар фебруар март април мај јун јул август септембар октобар новембар децембар januara februara marta aprila maja juna jula avgusta septembra oktobra novembra decembra veku veka vek razred razredu јануара фебруара марта априла маја јуна јула августа септембра октобра новембра децембра веку века век разред разреду | itd sl tzv odn npr god tj hilj mil mlrd итд сл тзв одн нпр год тј хиљ мил млрд погл | str br čl стр бр чл погл
hu | Id ifj özv pl ún ill | id u old kb sz vö st szt jan febr márc ápr jún júl aug szept okt nov dec fej köt kiad szerk ezr mrd i.e i.sz t.i | január február március április május június július augusztus szeptember október november december század jan febr márc ápr jún júl aug szept okt nov dec világháború napja ábra osztály kerület | stb kb pl ill db ún vö ti kk i.e i.sz min max dr | o sz
lt | Doc Akad Kun Vysk | p pvz t.y g pr al gyd doc hab m d nr tūkst mln mlrd vnt psl pav pr.kr | | t.t pan kt t.y tūkst mln mlrd m d proc | p nr
lv | Doc Akad doc | lpp piem t.i nr u.c g tūkst milj t.sk p.m.ē | janvārī februārī martā aprīlī maijā jūnijā jūlijā augustā septembrī oktobrī novembrī decembrī janvāris februāris marts aprīlis maijs jūnijs jūlijs augusts septembris oktobris novembris decembris gadsimtā gadsimta gadsimts klase klasē | utt utml u.c u.tml t.sk tūkst milj g piem t.i skat nod att | lpp nr nod
tr | doç Av yrd Müh Öğr Op Hz Sn Alb Yzb Bşk Prof Uzm Ecz Gen | av bkz s cad sok mah apt müh öğr sn hz m.ö m.s yy böl çev hzl şek krş ltd şti t.c | mart ocak şubat nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık yüzyıl dünya sınıf kat | vb vs vd örn bkz yy krş m.ö m.s | s sf
ru | проф акад доц г-н г-жа д-р т.е т.к напр г-да ген полк адм инж | см стр с рис ул пр пер пл д кв г гг в вв т.н им св тов гр тел обл р-н ср табл гл янв февр апр авг сент окт нояб дек изд ред пос оз гос конд к.т.н т.д т.п т.о н.э т.ч и.о | | др т.д т.п пр тыс млн млрд руб коп чел г гг в вв н.э т.ч экз долл мин сек час с кв л т.е т.к т.н в.в | с стр гл т рис табл п пп ст ч кн
uk | проф акад доц д-р т.зв напр ген полк адм інж п-н п-ні | п див стор с рис вул пр пл буд кв м р рр ст ім св тов тел обл табл гл січ лют берез квіт трав черв серп верес жовт листоп груд вид ред розд т.д т.п т.ч н.е і.о | | ін т.д т.п тис млн млрд грн коп чол р рр ст н.е т.ч хв сек год т.зв т.і | с стор гл т рис табл п пп ст ч розд кн
be | праф акад дац т.зв напр ген інж д-р | гл стар с мал вул пл д кв г гг ст ім св студз выд рэд т.д т.п н.э т.ч | | інш т.д т.п тыс млн млрд руб г гг разд раздз мал | с стар т мал
bg | проф акад доц д-р г-н г-жа инж т.е напр ген полк | вж стр с ул бул гр г т.нар св арх изд ред фиг табл пр.н.е н.е т.н ян февр апр авг септ окт ноем дек | | др т.н т.нар хил млн млрд лв ст пр г т.е | с стр гл т фиг табл чл ал
el | κ κα κος δρ καθ π.χ δηλ Καθ Αγ | βλ σελ αρ τηλ οδ λεωφ αγ ιαν φεβ απρ ιουν ιουλ αυγ σεπ οκτ νοε δεκ εκδ τόμ κεφ εικ μ.χ κ.ά | | κ.λπ κλπ κτλ κ.ά κ.α κ.ο.κ π.χ δηλ μ.χ χιλ εκατ εκ δισ μ.μ π.μ | σελ σ αρ τόμ κεφ εικ
eu | | or jn and dk zk etab ots api k.a h.d | | etab eta k.o e.a | or art
id | Ir H Hj Tn Ny Drs Dra KH Sdri | ir h hj jl hlm tn ny sdr kec kab feb agt okt nov des tel a.n | | dll dst dsb dkk tsb s.d a.n | hlm no
vi | GS TS ThS PGS BS | tp gs ts ths pgs bs | | v.v tr
ga | | lch uimh m.sh i.n r.ch | | srl m.sh etc | lch uimh
hy | պրոֆ ակադ | թ էջ | | և.այլն այլն | էջ
af | Mnr Mev Mej Ds Adv mnr mev mej | jan febr apr jul aug sept okt nov des bv m.b.t d.w.s | | ens bv nl m.a.w e.a d.w.s | bl nr hfst fig
la | | cap lib | | etc
"""

# What initials are in scripts without capitals: names of Latin letters, or one syllable of their
# own. Names and syllables that are common words at the end of a sentence are left out.
_LETTER_NAMES = """
ए बी सी डी ई इ एफ एफ़ एच जे के एल एम एन ओ पी क्यू आर एस टी यू यु वी व्ही डब्ल्यू डब्लू एक्स वाई वाय ज़ेड जेड
এ বি সি চি ডি ই এফ জি এইচ আই জে কে এল এম এন ও পি কিউ আর আৰ এস এছ টি ইউ ভি ডব্লিউ এক্স ওয়াই জেড
એ બી સી ડી ઈ ઇ એફ એચ આઈ જે કે એલ એમ એન ઓ પી ક્યુ આર એસ ટી યુ યૂ વી ડબલ્યુ એક્સ વાય વાઈ ઝેડ
ਏ ਬੀ ਡੀ ਈ ਐਫ ਐੱਫ ਐਚ ਐੱਚ ਜੇ ਕੇ ਐਲ ਐੱਲ ਐਮ ਐੱਮ ਐਨ ਐੱਨ ਓ ਪੀ ਆਰ ਐਸ ਐੱਸ ਟੀ ਯੂ ਡਬਲਯੂ ਐਕਸ ਵਾਈ
ଏ ବି ସି ଡି ଇ ଏଫ୍ ଜି ଏଚ୍ ଆଇ ଜେ କେ ଏଲ୍ ଏମ୍ ଏନ୍ ଓ ପି କ୍ୟୁ ଆର୍ ଏସ୍ ଟି ୟୁ ଭି ଡବ୍ଲ୍ୟୁ ଏକ୍ସ ୱାଇ ଜେଡ୍
ஏ பி சி டி ஈ இ எஃப் எப் ஜி எச் ஹெச் ஐ ஜே ஜெ கே எல் எம் என் ஓ க்யூ கியூ ஆர் எஸ் யு யூ வி டபிள்யூ டபிள்யு டபுள்யூ எக்ஸ் ஒய் இசட்
ఎ ఏ బి సి డి ఇ ఈ ఎఫ్ జి ఎచ్ హెచ్ ఐ జె జే కె కే ఎల్ ఎం ఎమ్ ఎన్ ఒ ఓ పి క్యూ ఆర్ ఎస్ టి యు యూ వి డబ్ల్యు డబ్ల్యూ ఎక్స్ వై జెడ్
ಎ ಏ ಬಿ ಸಿ ಡಿ ಇ ಈ ಎಫ್ ಜಿ ಎಚ್ ಹೆಚ್ ಐ ಜೆ ಜೇ ಕೆ ಕೇ ಎಲ್ ಎಂ ಎಮ್ ಎನ್ ಒ ಓ ಪಿ ಕ್ಯೂ ಆರ್ ಎಸ್ ಟಿ ಯು ಯೂ ವಿ ಡಬ್ಲ್ಯು ಡಬ್ಲ್ಯೂ ಎಕ್ಸ್ ವೈ ಝಡ್
എ ബി സി ഡി ഇ എഫ് ജി എച്ച് ഐ ജെ ജേ കെ കേ എൽ എല്‍ എം എൻ എന്‍ ഒ ഓ പി ക്യു ക്യൂ ആർ ആര്‍ എസ് ടി യു യൂ വി ഡബ്ല്യു ഡബ്ല്യൂ എക്സ് വൈ
ඒ බී සී ඩී ඊ එෆ් ජී එච් අයි ජේ කේ එල් එම් එන් ඕ පී ආර් එස් ටී යූ වී ඩබ්ලිව් එක්ස් වයි
"""
_SHORT_WORDS = "நீ வா போ கை வை தீ பூ மை కి రా పో ನೀ ಬಾ ಹೋ നീ വാ പോ छ त न व જ ન না নি কি যে সে তা ନା କି ନି ସେ"
# Hindi and its neighbours end sentences with one syllable: only a letter alone is an initial there.
_SYLLABLES = (
    r"[[\p{Bengali}\p{Oriya}\p{Tamil}\p{Telugu}\p{Kannada}\p{Malayalam}]&&\p{L}]\p{M}*"
    r"|[[\p{Devanagari}\p{Gujarati}\p{Gurmukhi}]&&\p{L}]"
)
_SPELT = "|".join(map(regex.escape, _LETTER_NAMES.split()))
SPELT_INITIALS = regex.compile(
    rf"(?:(?!(?:{'|'.join(_SHORT_WORDS.split())})\.)(?:{_SPELT}|{_SYLLABLES})\.-?)+\Z",
    regex.VERSION1,
)
"""One or more initials with full stops in a script without capitals."""

FIRST_SPELT = "\u0900"
"""No such script is before this character."""


@dataclass(frozen=True, slots=True)
class Abbreviations:
    """The abbreviations of a language, those of all languages included.

    Attributes:
        titles: No sentence ends behind them.
        others: Hardly one does.
        before_small: Hardly one does before a small letter or a number.
        before_numbers: Hardly one does before a number.
        ordinal_words: Codes of words that follow an ordinal with a full stop.
        pairs: Abbreviations of two words with a space inside; the first one's code in the high 32
            bits.
    """

    titles: frozenset[str]
    others: frozenset[str]
    before_small: frozenset[str]
    before_numbers: frozenset[str]
    ordinal_words: frozenset[int]
    pairs: frozenset[int]


@cache
def abbreviations_of(language: str) -> Abbreviations:
    """The abbreviations of a language; where none are known, those of all languages."""
    own, of_all = _LANGUAGE_TO_CELLS.get(language, [""] * 5), _LANGUAGE_TO_CELLS["*"]
    titles, others, ordinal_words, before_small, before_numbers = (
        frozenset(cell.split()) | frozenset(more.split())
        for cell, more in zip(own, of_all, strict=True)
    )
    dotted = [form.split(".") for form in titles | others | before_small if "." in form]
    return Abbreviations(
        titles,
        others,
        before_small,
        before_numbers,
        frozenset(map(_word_code, ordinal_words)),
        frozenset(
            _word_code(left) << 32 | _word_code(right)
            for parts in dotted
            for left, right in pairwise(parts)
        ),
    )


def _word_code(word: str) -> int:
    return text_codes([styleless(word)])[0]


def _read() -> dict[str, list[str]]:
    rows = [line.split("|") for line in _ROWS.strip().split("\n")]
    return {code.strip(): (cells + [""] * 5)[:5] for code, *cells in rows}


_LANGUAGE_TO_CELLS = _read()
