"""What looks like a negation or a doubt, and says nothing of whether the finding is there now."""

from metrics.labels.cue_words import (
    BE,
    DEGREE,
    DIAGNOSED,
    DO_NOT,
    GOES,
    GREW,
    KNOWN,
    LY,
    OF_IT,
    OTHER_VIEW,
    QUALIFIER,
    SEEN,
    STEADY,
    TAKEN,
    THAT_STUDY,
    THEN,
)
from metrics.labels.no_findings import NO_FINDING, TISSUE

NEUTRAL = "|".join(
    (
        # Not seen then, or not in the other view: there now.
        rf"(?:{BE}\s|do\s|does\s|did\s)?(?:not|n't)\s(?:yet\s|been\s|be\s){{0,2}}{LY}(?:{SEEN}|exist|appear|show)\s"
        rf"(?:(?:on|in|at|by|during)\s)?(?:(?:the|her|any|an?)\s)?{THEN}\b",
        rf"(?:did|does|do)\snot\s(?:yet\s)?(?:exist|appear|show)\s(?:on|in|at|by|from)\s{THAT_STUDY}",
        rf"(?:absent|none\s(?:was|were|had\sbeen|has\sbeen)\s{SEEN})\s(?:(?:on|in|at)\s)?(?:(?:the|her)\s)?{THEN}\b",
        rf"(?:{BE}\s)?(?:(?:not|isn't|aren't|wasn't|weren't)\s(?:yet\s|been\s|be\s){{0,2}}{LY}{SEEN}|absent)\s(?:on|in|at|by|from)\s{THAT_STUDY}",
        rf"(?:{BE}\s)?not\s(?:been\s)?(?:previously|formerly|before)\s{SEEN}\b",
        rf"(?:{BE}\s)?(?:(?:not|(?:cannot|can\snot|could\snot)\sbe)\s{LY}{SEEN}|invisible|occult)\s(?:on|in|at|by|with)\s(?:the\s|this\s)?(?:[a-z0-9-]{{2,14}}\s){{1,2}}"
        rf"(?:but|yet|although|though)\s(?:(?:it|is|are|was|were|they|(?!not\b|no\b)\w{{2,12}}ly)\s){{0,3}}(?:{SEEN}|shows?\sup)\b",
        rf"(?:{BE}\s)?(?:(?:not|(?:cannot|can\snot|could\snot)\sbe)\s{LY}(?!reproduc|confirm|verif|substantiat|borne|upheld){SEEN}|invisible"
        rf"|occult)\s(?:on|in|at|by|with)\s(?:the\s|any\s)?{OTHER_VIEW}\b"
        r"(?!\s(?:views?\s)?n?or\s(?:on\s|in\s)?(?:the\s)?(?:[a-z0-9-]{2,12}\s)?(?:views?|cc|mlo|ml|lm)\b)",
        rf"(?:by\sno\smeans|in\sno\sway|on\sno\saccount)\s(?:{GOES}|{TAKEN}|absent|ruled\sout|excluded)\b",
        r"(?:wrong|incorrect|untrue|false|mistaken|misleading)\s(?:to\s(?:say|claim|state|assume|conclude|think)\s)?that\s(?:there\s(?:is|are|was"
        r"|were)\s)?no\b",
        # Counted, or a part of them.
        r"(?:no|not)\s(?:fewer|less)\sthan\b|no\smore\sthan\s(?:one|two|three|four|five|ten|\d{1,2}|a\s(?:few|handful|couple))\b",
        r"neither\s(?=[a-z]{4,16}\s(?:is|has|shows?|looks?)\s(?:\w{3,12}\s)?(?:malignant|suspicious|worrisome|concerning|spiculated|irregular|grown|changed|new|enlarged|increased)\b)",
        r"(?:none|neither|not\s(?:a\ssingle\s)?one)\sof\s(?:the|these|those|her|its|them)\b(?!\s(?:[a-z]{3,10}\s)?(?:views?|films?|images|sides|projections?|breasts|series))(?=[^.;,\n]{0,60}?\b(?:shows?|has|have|had|displays?|exhibits?|demonstrates?)\s(?:any\s|a\s)?(?:[a-z]{4,14}\s)?"
        r"(?:growth|change|increase|enlargement|progression|enhancement|spicul\w{3,7}|features?|signs?|characteristics?|morphology|vascularity|flow|calcif\w{3,8})\b)",
        rf"(?:none|neither|not\s(?:a\ssingle\s)?one)\sof\s(?:the|these|those|her|its)\b(?=[^.;,\n]{{0,60}}?\b(?:is|are|was|were|has|have|shows?|appears?|looks?)\s(?:\w{{3,12}}\s)?(?!enlarged)(?:{GREW}"
        r"|malignant|suspicious|worrisome|concerning|spiculated|irregular|different|recent|atypical|linear|pleomorphic|branching|clustered|grouped|round|fixed|calcified|palpable|dominant)\b)",
        r"(?:(?<=,\s)|(?<=\band\s))none\s(?:in|on)\s(?:the\s)?(?:left|right|other|opposite|contralateral)\b",
        # The doubt is of what it is.
        rf"(?:(?:unclear|uncertain|unknown|not\s(?:clear|certain|known|sure))\s)?whether\b(?=\s(?:the|this|that|these|those|it|they)\b[^.;,\n]{{0,40}}?\b(?:is|are|has|have)\s(?:\w{{3,12}}ly\s)?(?:{GREW}|{DIAGNOSED}|in|within|on|from|inside|part|related|due|one|two)\b)",
        # Needed or not, it is there.
        r"(?:fail(?:s|ed)?|unable|not\sable)\sto\s(?:dispel|resolve|efface|disperse|clear|dissolve|remove|explain\saway)\b",
        r"no\s(?:reason|indications?|grounds?|cause|justification|point|place)\s(?:to|for|in)\s(?:a\s|an\s)?(?:biops\w{1,3}|recall\w{0,3}|treat\w{0,4}|follow\w{0,3}|excis\w{1,3}"
        r"|remov\w{1,3}|worry|act|operat\w{1,3}|aspirat\w{1,3}|investigat\w{1,5}|puncture|sampl\w{1,3}|intervention|concern)\b",
        r"not\b(?=\sthe\s[a-z -]{3,30}\s(?:that|which|who)\s(?:worr|concern|bother|matter|troubl|alarm|disturb"
        r"|attract|need|warrant)\w{0,4}\b)|(?<=[:.]\s)not\sso\b",
        r"without\sthe\s(?:earlier|previous|prior|old|older|comparison)\s(?:films?|images?|stud(?:y|ies)|mammogra\w{1,5}|examinations?)\b|(?:did|does|do)\snot\sknow\s(?:of|about|that|the)\b",
        r"(?:absence|lack)\sof\s(?:an?\s|any\s)?(?:(?!mass|nodul|lesion|calc|micro|opac|distor|asym|tumou?r|lump|evidence|sign)[a-z-]{3,14}\s){1,4}"
        r"(?:does|do|makes?|means?|confirms?|favou?rs?|suggests?|indicates?|is|was|argues?|supports?)\b",
        r"(?:did|does|do)\snot\s(?:mention|describe|report|comment\son|refer\sto|record|list)\b(?=\sthe\b)"
        r"|not\sthe\b(?=\s[a-z -]{3,30},\s(?:is|are|was|were|has|have)\b)",
        r"(?:is|are|was|were)\snot(?=\s?:)",
        r"not\smalignant\b|no\s(?:need|call|necessity)\s(?:to|for)\b|no\s(?:getting|denying|mistaking|ignoring|overlooking|escaping|arguing)\b",
        r"(?:not|by\sno\smeans|in\sno\sway|never|hardly)\s(?:yet\s|quite\s|entirely\s)?gone\b",
        # Why a category was given: there.
        r"(?:were\sit|(?:if\s)?it\s(?:were|was|had)|had\sit)\snot\s(?:been\s)?for\b",
        # Nothing new, and then what is there as before.
        rf"(?:no|nothing)\b(?=[^.;,\n]{{0,80}}\bthat\s(?:was|were|has|had|is)\s?(?:not|n't)\s(?:already\s|been\s|yet\s"
        rf"|previously\s){{0,2}}{KNOWN}\b)",
        rf"(?:{BE}\s)?not\s(?:already|previously|formerly|yet)\s(?:been\s)?{KNOWN}\b|nothing\snew\b(?=\s?[:;,.-])"
        r"|(?:(?:possibly|probably|likely|hopefully|perhaps)\s)?nothing\s(?:serious|sinister|alarming|worrying|dangerous|(?:suspicious|malignant|worrisome|concerning|abnormal)(?=\s?[:;])|to\s(?:be\s)?(?:worr|alarm|concern|fear|fright)\w{1,6})\b",
        # A category is denied.
        r"not\s(?:an?\s)?(?:acr\s)?(?:bi[\s.-]?rads|category)\s(?:category\s)?[0-6][abc]?(?=\s?[:;,-])"
        r"|no\s(?:acr\s)?(?:bi[\s.-]?rads|category)\s(?:category\s)?[0-6][abc]?(?:\s(?:findings?|lesions?|abnormality))?(?=\s?:)",
        # Something else is denied of it.
        rf"neither\s(?:(?:the|its|their|in)\s)?{OF_IT}\s(?:n?or)\s(?:(?:the|its|their|in)\s)?{OF_IT}\b",
        rf"(?:not\s(?:the\scase|true|correct)|(?:(?:do|does|did|can|could|would)\s?)?(?:not|n't)\s(?:believe|think|find|feel|see|say|agree|consider)|cannot\sbe\ssaid"
        rf"|(?:no|nothing)\s(?:(?:to|which|that)\s)?(?:suggest\w{{0,3}}|indicat\w{{1,3}}|impl(?:y|ies|ying)|prov\w{{1,3}}|show\w{{0,3}})|(?:do|does|did)\snot\s(?:suggest|indicate|imply|prove|mean|show)"
        rf"|no\s(?:reason|grounds|cause|evidence|indications?|signs?|suggestion|certainty|guarantee|proof|suspicion)(?:\sto\s(?:believe|think|assume|suppose|say|suspect))?)"
        rf"\sthat\b(?=[^.;\n]{{0,100}}?\b(?:has|have|had|is|are)\s(?:\w{{3,12}}\s){{0,2}}(?:{GREW}|{DIAGNOSED})\b)",
        r"(?:cannot|can\snot|could\snot)\sbe\ssaid\sto\shave\b",
        rf"(?:{BE}\s)?not\s(?:clinically\s)?palpable\b",
        # Denied twice.
        r"(?:not|never|hardly|nor)\s(?:(?:entirely|completely|quite|wholly|totally)\s)?"
        r"(?:without|free\s(?:of|from)|devoid\sof|negative\sfor|lack(?:s|ing)?(?:\sin)?|missing)\b",
        r"no\s(?:absence|lack|shortage|paucity|dearth)\sof\b",
        r"(?:cannot|can\snot|not\sto)\sbe\s(?:denied|overlooked|dismissed|missed|ignored)\b",
        r"not\s(?:true|the\scase|correct)\sthat\s(?:there\s(?:is|are)\s)?no\b",
        rf"{DO_NOT}\s{LY}{GOES}\b",
        rf"(?:{BE}\s)?not\s(?:(?:yet|been|fully|completely|entirely)\s){{0,3}}{TAKEN}\b",
        r"(?:could|can)\s?not\sbe\smade\sto\s(?:disappear|efface|disperse|go\saway|resolve|dissipate)\b",
        rf"(?:cannot|can\snot|could\snot)\sbe\s(?:explained|accounted\sfor|dismissed|attributed|ascribed)\s(?:by|to|as)\s{TISSUE}{NO_FINDING}",
        r"no\s(?:malignan(?:t|cy)|cancer|atypi\w{1,4}|carcinoma|dcis|tumou?r)\s(?:cells?\s)?(?:(?:was|were)\s[a-z]{4,10}\s)?(?:in|on|at|from)\s(?:the\s|a\s)?(?:biops|specimen|histolog|sampl|core|aspir|cytolog|patholog)\w{0,5}\b",
        r"not\s(?:entirely\s|quite\s|completely\s)?normal(?=\s?[:;,-])",
        rf"(?:{BE}\s)?(?:only\s)?(?:incompletely|partially|partly)\s(?:{TAKEN}|{GOES})\b",
        rf"not\s(?:(?:yet|been|fully|completely|entirely)\s){{0,3}}{GOES}\b",
        # Not done yet.
        rf"(?:wants?|wishes|asks?|prefers?|have|having|opts?)\s(?:for\s)?(?:it|this|them)\s(?:to\sbe\s)?{TAKEN}\b",
        rf"(?:should|could|may|might|can|must|will|would|to|needs?\sto)\sbe\s{LY}{TAKEN}\b",
        r"(?:recommend\w{0,3}|advis\w{1,3}|suggest\w{0,3}|consider\w{0,3}|plan\w{0,4}|for|await\w{0,3})\s(?:\w{1,12}\s){0,2}"
        r"(?:excision|removal|resection|enucleation)\sof\b",
        # Denies something else.
        r"not\s'?(?:the\s)?(?:left|right|bilateral|upper|lower|inner|outer|medial|lateral)\b",
        r"not\s(?:\w{2,12}ly\s)?(?:spiculat|irregular|round|oval|circumscribed|lobulat|pleomorphic|cluster|grouped|calcified|"
        r"dense|indistinct|linear|segmental|amorphous|well|ill)\w{0,4}\b",
        r"no\s(?:suspicious|malignant|worrisome|concerning)\s(?:features?|characteristics?|appearance|morphology)\s"
        r"(?:of|in|within)\s(?=(?:the|this|these|that)\b)",
        rf"(?:no|zero)\s{QUALIFIER}{STEADY}\b(?!\s(?:that|which|to)\s(?:would\s|could\s|might\s)?(?:suggest|indicat|point))(?:\s(?:in|of|from|since))?",
        rf"without\s{QUALIFIER}{STEADY}\b(?:\s(?:in|of))?",
        r"not\s(?:only|all|every)\b",
        r"(?:(?<=,\s)|(?<=\byet\s)|(?<=\bbut\s)|(?<=though\s)|(?<=;\s))none\s(?:of\s(?:them|these|which)\s)?(?:is\s|are\s|being\s)?(?:\w{3,12}ly\s)?(?:suspicious|malignant|worrisome|concerning"
        r"|spiculated|irregular|enlarg\w{2,3}|new|dominant|larger|bigger|growing|changed|over|above|exceed\w{2,3}|solid|cystic|palpable|atypical|clustered|grouped|linear|pleomorphic|dense|branching|of\sconcern|measur\w{2,3}|more\sthan|greater|different|predominant|prominent|complex)\b",
        r"no\sother\s(?:\w{2,15}\s){1,3}than\b",
        r"not\s(?:significantly\s|appreciably\s)?"
        r"(?:changed|altered|increased|decreased|enlarged|grown|progressed|absent|different)\b",
        r"not\s(?:yet\s)?been\s(?:compared|evaluated|assessed|biopsied)\b",
        r"no\slonger\s(?:increas|grow|enlarg)\w{1,4}\b",
        r"no\s(?:doubt|question)\b|(?:without|beyond)\s(?:any\s|a\s)?(?:doubt|question)\b",
        rf"(?:possibl[ey]|probabl[ey]|likely)\s{DEGREE}\b",
        rf"(?:may|might|could)\s?(?:be|represent|suggest|indicate|reflect)\s{DEGREE}\b",
    )
)
