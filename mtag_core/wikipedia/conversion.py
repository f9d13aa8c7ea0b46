"""Language conversion: `-{...}-` in wikis whose language is written in several ways.

`-{text}-` keeps a text from being converted, `-{zh-hans:A; zh-hant:B}-` has a text for each
variant, and flags before a bar say what else is meant: a rule for the whole page (H, -), a title
(T), a rule that is also shown (A), its description (D), text as it is (R), a variant's name (N), or
the variants in which the text is converted.

Source: MediaWiki, includes/language/ConverterRule.php.
"""

import re

# Languages with a converter; a variant is one of them with a script or region.
_LANGUAGES = "zh sr kk ku uz iu ike tg gan crh shi ban sh wuu tly zgh mni en-x".split()
_CODE = rf"(?:{'|'.join(_LANGUAGES)})(?:-[a-z]{{2,10}}){{0,2}}"
_IS_CODE = re.compile(_CODE, re.IGNORECASE)
# A semicolon ends a variant's text only where the next variant begins.
_SEPARATOR = re.compile(
    rf";(?=\s*+(?:{_CODE}\s*+:|[^;=]*+(?:=(?!>)[^;=]*+)*+=>\s*+{_CODE}\s*+:|\Z))", re.IGNORECASE
)
_HIDDEN = frozenset("HTN-")


def shown_variant(body: str) -> str:
    """The text that a conversion shows.

    Args:
        body: What stands between `-{` and `}-`; links and calls already resolved.

    Returns:
        The first variant's text, the whole text where it names no variants, or an empty string
        where the rule is hidden.

    Example: "zh-hans:A; zh-hant:B" -> "A"; "Blue Hour: The Return" -> itself; "H|zh-cn:A" -> "".
    """
    head, bar, rules = body.partition("|")
    if not bar:
        return _first_text(body)
    flags = {flag.strip() for flag in head.split(";")}
    if "R" in flags or any(map(_IS_CODE.fullmatch, flags)):
        return rules
    if flags & _HIDDEN:
        return ""
    texts = variant_texts(rules)
    return "; ".join(texts) if "D" in flags and texts else _first_text(rules)


def variant_texts(rules: str) -> list[str]:
    """The texts of rules such as `zh-cn:A; zh-tw:B` or `C=>zh-cn:A`, in order.

    Returns:
        An empty list where something is no rule: then all of it is text.
    """
    texts = []
    for rule in _SEPARATOR.split(rules):
        name, colon, text = rule.partition(":")
        if not colon and not rule.strip():
            continue
        if not _IS_CODE.fullmatch(name.rpartition("=>")[2].strip()):
            return []
        texts.append(text.strip())
    return [text for text in texts if text]


def _first_text(rules: str) -> str:
    return next(iter(variant_texts(rules)), rules)
