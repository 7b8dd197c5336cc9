"""Words that radiologists cut short, written out: "no susp. calcs or arch. dist.", "asym", "nodes neg", "skin wnl".

A full stop behind a word that stands before its noun ("arch. distortion") belongs to the word and ends no sentence;
behind any other ("margins irreg.") it stays.
"""

import re

_NOUN = r"(?:mass|nodul|lesion|opac|margin|border|contour|outline|edge|shape)"
_FINDING = r"(?:mass|lesion|nodul|calc|micro|ln|lymph|node|adenop|abn|asym|dist|change|enlarg|find)"
_VALUE = r"(?:y|n|yes|no|none|nil|absent|present|0|1|\+|-)(?![a-z0-9])"
_BEFORE_A_NOUN = {
    r"arch(?:it(?:ect)?|'l)?(?=\.?[\s-]?(?:dist|dst))": "architectural",
    r"susp(?:ic)?|sus|suspic?s|suspish": "suspicious",
    rf"sig(?:nif)?(?=\.?\s(?:\w{{1,15}}\s){{0,2}}{_FINDING})": "significant",
    rf"irreg(?=\.?\s{_NOUN})": "irregular",
    rf"spic(?:ul)?(?=\.?\s{_NOUN})": "spiculated",
    r"subcut(?=\.?\s(?:fat|tissue|o?edema))": "subcutaneous",
    r"prob": "probable",
    r"poss": "possible",
    r"indet": "indeterminate",
    r"bilat|bil(?=\.?\s(?:calc|micro|ax|mass|breast|benign|nodes?|lns?))": "bilateral",
    r"ax(?:ill?)?(?=\.?\s(?:nodes?|lns?|lymph|adenop|lad|l\.?n\.?s?\b))": "axillary",
    r"(?:circ|circum|circumscr|crcm)(?=\.?\s(?:mass|ms\b|nod|lesion|margin|oval|ovl|round))": "circumscribed",
    r"het(?:er(?:o(?:g(?:en)?)?)?)?(?=\.?\sdens)": "heterogeneously",
    r"extr?(?=\.?\sdens)": "extremely",
    r"(?:scatt?|sct?d?|sctrd|scattd)(?=\.?\s(?:fg|fibro|calc|ca\b|micro|benign|punct|vasc|areas))": "scattered",
    r"pleo(?:m|morph?)?(?=\.?\s(?:calc|ca\b|micro|mc))": "pleomorphic",
    r"as+ym+(?=\.?\s(?:dens|tissue|opac))": "asymmetric",
    r"(?:gr(?:p|pd|ouped)|grp'd|clust|clstr?d?|clust'd)(?=\.?\s(?:pleo|fine|calc|ca\b|micro|mc|amorph|punct"
    r"|round))": "grouped",
    r"amorph(?=\.?\s(?:calc|ca\b|micro|mc|µ|μ))": "amorphous",
    r"punct(?=\.?\s(?:calc|ca\b|micro|mc))": "punctate",
    r"vasc(?=\.?\s(?:calc|ca\b))": "vascular",
    r"dystr(?:oph)?(?=\.?\s(?:calc|ca\b))": "dystrophic",
    r"dom(?=\.?\s(?:mass|ms\b|nod|lesion))": "dominant",
    r"(?:fcl|foc)(?=\.?\s(?:as+ym|dens|dist|mass))": "focal",
    r"ov(?:l)?(?=\.?\s(?:circ|mass|ms\b|nod|lesion))": "oval",
    r"abnl?(?=\.?\s(?:mass|ms\b|nod|calc|lymph|lns?\b))": "abnormal",
    r"discr?(?=\.?\s(?:mass|ms\b|nod|lesion))": "discrete",
}
_ANYWHERE = {
    # A mass, where what stands around it says that no person and no disease is meant.
    r"(?:(?<=no )|(?<=new )|(?<=oval )|(?<=circumscribed )|(?<=discrete )|(?<=dominant )|(?<=suspicious )"
    r"|(?<=spiculated )|(?<=irregular )|(?<=spic )|(?<=irreg )"
    r"|(?<=small )|(?<=sm )|(?<=round )|(?<=rnd )|(?<=dense )|(?<=solid )|(?<=mm )|(?<=cm )|(?<=benign )"
    r"|(?<=other )|(?<=focal )|(?<=or )|(?<=/)|(?<=/ ))ms"
    r"(?=\s?(?:[.,;:/(]|\Z|\d|at\b|in\b|@|or\b|w/|with\b|is\b|seen|r\b|l\b|rt\b|lt\b|right|left|upper|lower"
    r"|[ul][oi]q))": "mass",
    r"msses|mses|massess": "masses",
    r"nod(?=\s?(?:[.,;:@]|\Z|in\b|at\b|r\b|l\b|rt\b|lt\b|right|left|upper|lower|[ul][oi]q|w/|with\b|\d))": "nodule",
    r"nods(?=\s?(?:[.,;:@]|\Z|in\b|at\b|bilat|\br\b|\bl\b|rt\b|lt\b))": "nodules",
    r"ca(?:\s?\+\+|2\+|\+\+)": "calcification",
    r"calc'?n|calcn|calcif'n|calcifn": "calcification",
    r"calc'?ns|calcns|calcif'ns|calx|clcs|calcfs?|calcfctns?": "calcifications",
    r"mccs?|micro-?cals|mcs(?=\s?[.,;])": "microcalcifications",
    r"mcalcs?|ucalcs?": "microcalcifications",
    r"dist'?n|distn|distor|distrtn": "distortion",
    r"(?:(?<=architectural )|(?<=arch ))dst(?:n|rt?n?)?": "distortion",
    r"as+ym+s|as+ymts?|asymmtrs?|asymtry": "asymmetries",
    r"thk(?:d|ng|n|ening|ened)?|thk'?d|thick'?[dg]|thckn?(?:g|d|ing|ed)": "thickening",
    r"(?:(?<=nipple )|(?<=skin )|(?<=nac )|(?<=nip ))retr(?:act)?(?:'d|d)": "retracted",
    r"inv(?:td|'td|rtd|t'd)": "inverted",
    r"ln(?:s)?pathy|l\.?a\.?n\.?pathy|lymphad|lymphaden|adenop|adnpthy|lnadenopathy": "lymphadenopathy",
    r"enl(?:g(?:d)?|rgd|'d|gt)?(?=\s?(?:[.,;:]|\Z|ln|l\s|r\s|rt\b|lt\b|left|right|node|lymph|ax|in\b|\d))": "enlarged",
    r"(?:sk|skn)(?=\s?[/&,]|\s(?:and|&|nl|nml|norm|normal|ok|thick|thk|retr|unrem|wnl|clear|/|nip|dimpl|intact"
    r"|changes?|edema|oedema))": "skin",
    r"(?<=no )(?:sk|skn)(?=\s)": "skin",
    r"nips": "nipples",
    r"nip(?=\s?[-:]|\s(?:thick|thk|unrem|clear|intact|inv|eve?r|retr|flat))": "nipple",
    r"unrem(?:ark)?|unrmk?": "unremarkable",
    r"stbl?|unch(?:g|gd|ngd|d)?|unchang|unchd|unchngd": "stable",
    r"(?:pect|pec)s?(?=\s?[-:,]|\s(?:unrem|wnl|m\b|musc?\b|muscle|nl|normal|ok|clear|intact|inv))": "pectoral",
    r"fgd": "fibroglandular density",
    r"spic'?d|spiculd": "spiculated",
    r"ill-?def(?:'d|d)?": "ill-defined",
    r"well-?(?:def|circ)(?:'d|d)?": "well-defined",
    r"dev(?=\sas+ym)": "developing",
    r"opac(?:it|s)?(?=\s?(?:[.,;:@]|\Z|in\b|at\b|\d|r\b|l\b))": "opacity",
    r"les(?:n|'n)?(?=\s?(?:[.,;:@]|\Z|in\b|at\b|\d|r\b|l\b))": "lesion",
    r"(?:(?<=no )|(?<=benign )|(?<=suspicious )|(?<=multiple )|(?<=scattered )|(?<=vascular ))ca(?=\s?(?:[.,;:]"
    r"|\Z|in\b|at\b|seen))": "calcification",
    r"(?<=architectural )dist(?:ort)?": "distortion",
    r"(?:(?<=[:,;] )|(?<=/)|(?<=no )|(?<=or )|(?<=nor ))dist(?=\s?(?:[.,;/]|\Z))": "distortion",
    r"(?:(?<=no )|(?<=nil )|(?<=new )|(?<=confirms )|(?<=shows )|(?<=possible )|(?<=with )|(?<=stable )"
    r"|(?<=scar )|(?<=and )|(?<=[?]))dist"
    r"(?!\s?(?:from|to\b|of\b|\d|[:=]|third|nip|grouped|segm|region|linear|diffuse))": "distortion",
    r"(?:\A|(?<=\n)|(?<=[.;:] )|(?<=focal )|(?<=subtle )|(?<=new )|(?<=mm )|(?<=cm ))dist(?=\s(?:at|in|on|@|r|l"
    r"|rt|lt|right|left|[ul][oi]q)\b)": "distortion",
    r"ad(?!\s(?:hoc|lib\w{0,4}|interim|nauseam|vitam|integrum)\b|\.d\.)": "architectural distortion",
    rf"dist(?=\s?[:=]\s?{_VALUE})": "distortion",
    r"(?:(?<=no )|(?<=suspicious )|(?<=grouped )|(?<=clustered )|(?<=/ )|(?<=/)|(?<=nor )|(?<=or )"
    r"|(?<=, ))mc(?=\s?(?:[.,;:/(+=-]|\Z|seen|in\b|at\b|or\b))|(?:(?<=no )|(?<=suspicious )"
    r"|(?<=grouped )|(?<=clustered ))mc|mc(?=\s?\([+-]\)|\s?[:=])": "microcalcification",
    r"pect(?=\.?\s(?:muscle|m\.))": "pectoral",
    r"nip(?=\s?[/,.:]|\s(?:nl|retr|inv|normal|ok))": "nipple",
    r"calcif": "calcification",
    r"microcalcif|(?:m|mu|μ)-?calc(?:if)?": "microcalcification",
    r"(?:m|mu|μ)-?calcs": "microcalcifications",
    r"as+ym+": "asymmetry",
    r"irreg": "irregular",
    r"spic(?:ul)?": "spiculated",
    r"(?:(?<=skin )|(?<=cutaneous ))thick(?=\s?(?:[.,;:+=()-]|\Z))": "thickening",
    r"(?:(?<=nipple )|(?<=skin )|(?<=nac ))retr(?:act)?": "retraction",
    r"neg": "negative",
    r"abn(?:l|ml|orm)?": "abnormal",
    r"wnl": "within normal limits",
    r"n(?:l|ml|orm)": "normal",
    r"(?:(?<=no )|(?<=axillary )|(?<=significant )|(?<=suspicious )|(?<=enlarged ))lad": "lymphadenopathy",
    r"alns?": "axillary nodes",
    r"imlns?": "intramammary node",
    r"(?<=scattered )fgt?": "fibroglandular tissue",
    r"b9": "benign",
    # Short of a letter; a dose in mAs has a number beside it.
    r"(?<!\d )mas(?!\s?[:=]?\s?\d)": "mass",
    r"nipel|niple|nippel": "nipple",
    r"nodul(?:us)?": "nodule",
    r"nodul[si]": "nodules",
}


def _pattern(words: dict[str, str]) -> str:
    return "|".join(f"(?P<w{number}>{word})" for number, word in enumerate(words))


_STOPPED = re.compile(rf"(?<![a-z0-9'-])(?:{_pattern(_BEFORE_A_NOUN)})(?![a-z'])(?:\.(?=\s?[a-zμ]))?")
_SHORT = re.compile(rf"(?<![a-z0-9'.-])(?:{_pattern(_ANYWHERE)})(?![a-z0-9'])")
_NOT = re.compile(r"\b([a-z]{2,6})n't\b")
_WHOLE = {"ca": "can", "wo": "will", "sha": "shall"}
_WITH = re.compile(r"(?<![a-z])w/(?P<out>o\b)?\s?")
_STOPPED_WORDS, _SHORT_WORDS = tuple(_BEFORE_A_NOUN.values()), tuple(_ANYWHERE.values())


def written_out(text: str) -> str:
    """Return `text`, in lower case, with the words above written out."""
    if "n't" in text:
        text = _NOT.sub(lambda match: f"{_WHOLE.get(match[1], match[1])} not", text)
    text = _WITH.sub(lambda match: "without " if match["out"] else "with ", text)
    text = _STOPPED.sub(lambda match: _STOPPED_WORDS[int(str(match.lastgroup)[1:])], text)
    return _SHORT.sub(lambda match: _SHORT_WORDS[int(str(match.lastgroup)[1:])], text)
