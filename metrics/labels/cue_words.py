"""Words that the labeler's cues of polarity are made of: patterns to put into others."""

ADVERB = r"(?:(?:entirely|completely|definitely|clearly|definitively|reliably|fully|confidently|safely)\s)?"
STEADY = (
    r"(?:change|increase|decrease|growth|progression|alteration|enlargement|dynamic|evolution|modification|variation"
    r"|difference)s?"
)
QUALIFIER = (
    r"(?:(?:significant|interval|appreciable|definite|obvious|major|further|suspicious|new|relevant|essential"
    r"|dynamic|evolutive)\s){0,3}"
)
SEEN = (
    r"(?:seen|identified|noted|visuali[sz](?:ed|able)|appreciated|detected|found|present|evident|demonstrated|observed|"
    r"visible|apparent|palpable|recogni[sz](?:ed|able)|shown|discern(?:ed|ible)|perceptible|depicted|delineated|"
    r"encountered|displayed|detectable|identifiable|confirmed|reproduced|substantiated|verified|existent|appreciable|"
    r"measurable|replicated|replicable|duplicated|recapitulated|retrieved|elicited|re-?found|reproducible|confirmable|re-?demonstrated|delineable|delimitable|definable|demonstrable|traceable|"
    r"there|on\sview|distinguishable|provable|reproduc(?:ed|ible)|sonographically\svisible|determined|revealed"
    r"|disclosed|traced|"
    r"differentiated|distinguished|registered|ascertained|evidenced|evidentiated|individuali[sz]ed|objectified"
    r"|objectivi[sz]ed|perceived|"
    r"discovered|made\sout|picked\sup|established|locali[sz]ed|borne\sout|upheld|shared|endorsed|supported|in\s(?:evidence|sight)|comprehensible|retraceable|ascertainable)"
)
BE = r"(?:is|are|was|were|be|been|has|have|had)"
DO_NOT = r"(?:(?:do|does|did|has|have|had)\snot|doesn't|don't|didn't|hasn't|haven't|never)"
LY = r"(?:[a-z]{2,12}ly\s)?"
SHOWS = r"(?:shows?|demonstrates?|contains?|reveals?|has|have|exhibits?|harbou?rs?|displays?|presents?|depicts?)"
GOES = (
    r"(?:effac(?:es?|ed)(?!\s(?:fatty\s|central\s)?(?:hil|sinus|fat\splane))|disperses?|dispersed(?!\s(?:in|over|through|within|bilat)\w{0,6}\b)|dissipat(?:es?|ed)|disappear(?:s|ed)?|vanish(?:es|ed)?|resolv(?:es?|ed)|"
    r"(?:spread|flatten|smooth|even|open)(?:s|ed)?\sout|press(?:es|ed)?\sout|thins?\sout|subsid(?:es?|ed)|cleared|melt(?:s|ed)?\saway|settled(?=\s?(?:[.,;\n]|\Z)|\s(?:to\snormal|completely|entirely|fully|now|since|down)\b)|(?:goes|go|went|gone)\saway|(?:comes?|came)\sapart|dispel(?:s|led)?|clears(?=\s(?:on|with|in|after|completely))|(?:separat(?:es?|ed)|breaks?\sup|falls?\sapart)(?=\s(?:into|on|out|under)\b)|dissolv(?:es?|ed)|(?:re-?ab|re-?|ab)sorbed|(?:(?:gets?|got|comes?|came|is|are)\s)?undone|undoes(?:\sitself)?|(?:dis-?associat|dissociat|decompos|disintegrat|dilut|unravel|disaggregat|eras|dissipat)(?:es?|ed|s|led)(?:\sitself)?|loosens?(?:\sup)?|fad(?:es?|ed)(?:\saway)?)"
)
KNOWN = rf"(?:{SEEN}|described|known|reported|mentioned|documented)"
OF_IT = (
    r"(?:number|distribution|extent|size|forms?|shape|margins?|morphology|density|appearance|position|location|character|volume"
    r"|contours?|outlines?|count|calib(?:re|er)|configuration|dimensions?|diameter|pattern|larger|denser|smaller|bigger)"
)
GREW = (
    r"(?:grown|changed|altered|increased|decreased|enlarged|progressed|become|moved|evolved|spread|larger|bigger|denser|growing"
    r"|more\s(?:numerous|extensive|dense|conspicuous|suspicious)|new)"
)
DIAGNOSED = (
    r"(?:malignant|benign|cancerous|suspicious|invasive|solid|cystic|old|stable|harmless"
    r"|an?\s(?:cancer|carcinoma|fibroadenoma|cyst|tumou?r))"
)
TAKEN = (
    r"(?:removed|(?:surgically\s)?withdrawn|cut\sout|excised|resected|aspirated|enucleated|extirpated|operated\son"
    r"|taken\sout|dealt\swith(?=\ssurg))"
)
ONLY_JUDGED = (
    r"(?:exclu|rul|assess|evaluat|judg|determin|characteri|classif|dismiss|den|overlook|ignor|differentiat|distinguish|explain|compar|measur|biops|reach|target|sampl|remov|localis|resect|excis"
    r"|missed|interpret|categori|commented|stress|deci|known|sure|certain|confident|call|regard|consider|clarif|resolv|said|told|attribut|ascrib|follow|improv|avoid|rely|us|tak|treat|given|estimat|quantif|correlat|match|includ|imag|examin|project|position|compress|clear|described|declared|labell?ed|diagnos|separat|detach|dissociat|expect|seen\sapart)"
)
"""What may be impossible with a finding that is there."""
THEN = (
    r"(?:previous(?:ly)?|prior|earlier|last|old(?:er)?|before|(?:19|20)\d\d|former(?:ly)?|baseline|outside|then|"
    r"(?:that|the)\stime|comparison|preceding|initial|first|(?:years?|months?)\sago)"
)
THAT_STUDY = (
    r"(?:(?:the|her|an?)\s)?(?:(?:screening|mammographic)\s)?(?:stud(?:y|ies)|exam(?:ination)?s?|films?|images?|mammogra(?:ms?|phy)|x-?rays?)\s"
    r"(?:(?:of|from|dated|done|taken|made|performed|in|on)\s){0,3}(?:(?:19|20)\d\d\b|\d{1,2}[./-]\d{1,2}[./-](?:\d\d){1,2}\b"
    r"|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\s(?:19|20)\d\d\b|(?:[a-z]{1,7}|\d{1,2})\s(?:years?|months?)\s(?:ago|earlier|before)\b)"
)
"""An older study by when it was: "the study of 2020", "the films from March 2019"."""
OTHER_VIEW = (
    r"(?:cc|mlo|ml|lm|other|lateral|profile|frontal|front|face|strict|orthogonal|second|cranio\w{6,8}|medio\w{6,8}|oblique|2-?\s?d|two-dimensional|synthe\w{3,6}"
    r"|standard|conventional|routine|(?:full-field\s)?digital\s(?:image|mammo)\w{1,4}|ultraso(?:und|nography)|usg?|sonography"
    r"|mri|mr)"
)
CANNOT_TELL = (
    r"[^.;\n]{0,120}?\b(?:cannot|can\snot|can't|could\snot|impossible|unclear|uncertain|unable|not\s(?:clear|certain|sure|possible"
    r"|known)|undecided|unresolved|doubtful|do\snot\sknow|remains?\sopen|open\sto\s(?:question|doubt))\b"
)
THE = r"(?:(?:the|this|that|any|an?|your|their|his|her)\s)?(?:\w{3,14}\s){0,2}?"
SUSPICION = (
    r"(?:suspicion|impression|concern|question|possibility|suggestion|diagnosis|interpretation|opinion|view|reading)"
)
DEGREE = (
    r"(?:an?\s)?(?:probably\s)?(?:an?\s)?(?:low\s|moderate\s|high(?:er)?\s)?(?:benign|malignan\w{1,3}|suspicious|reactive"
    r"|inflammatory|vascular|cystic|metastatic|post-?\s?(?:operative|surgical|traumatic|biopsy)|degenerat\w{1,4}|dystrophic"
    r"|secretory|dermal|physiologic\w{0,2}|pathologic\w{0,2})"
)
"""What a finding is by nature: the doubt is of that."""
