"""What is taken for a finding and is none: overlap, what lies on the skin, and normal parts of the breast.

"The opacity is a fat lobule", "due to overlapping tissue", "corresponds to the valve of the implant".
"""

SUMMED = (
    r"(?:(?:summation|superimpos\w{1,6}|superposition|overlap\w{0,4}|arte?fact|artifact)\w{0,2}|composite\s(?:shadow\w{0,4}|effect|image|density)"
    r"|(?:summation|composition)(?:al)?\s(?:shadow\w{0,4}|effect)|cross(?:ing|over)\s(?:of\s)?(?:\w{4,12}\s)?(?:structures?|vessels?|ligaments?|lines|strands?|stroma|tissues?|trabeculae|fibres|fibers))\b"
)
NOT_OF_THE_BREAST = (
    r"(?:(?:skin|cutaneous)\s(?:fold|mole|tag|wart|n(?:a?e)v|creas)\w{0,3}|moles?|na?ev(?:us|i)|deodorant|talc\w{0,3}|dust|tattoo\w{0,3}|lint|scratch(?:es)?|hair"
    r"|clothing|(?:reconstruction|motion|movement|skin|film|detector|processing|technical|scatter|grid|plate|roller|compression)\s(?:arte?|arti)facts?|(?:powder|ointment|cream|sweat|lotion|particles?)\son\sthe\sskin|finger(?:print|nail)?s?|ecg\s(?:lead|electrode)"
    r"|on\sthe\s(?:film|cassette|detector|plate|screen)|jewell?ery|nipple\s(?:(?:being\s)?(?:out\sof|not\sin)\sprofile|shadow))\b"
)
"""What projects itself into the breast, or only seems to be something."""
_BODY_OF = (
    r"(?:(?:edge|border|margin|free\sedge|end|tip|insertion|part|shadow|belly|fibres|fibers|slip|corner)s?\sof\s)"
)
_NORMAL = (
    r"(?:normal|benign|prominent|simple|ordinary|harmless|physiological|anatomical|usual|small|large|own|entrapped|unusual|local"
    r"|intramammary|intercostal|breast|glandular|fibroglandular|fatty|free|inferior|superior|medial|lateral|lower|upper"
    r"|anterior|isolated|underlying|crossing|overlapping|superimposed|tortuous|looping|rippling|wavy|known|implant|expander|injection|filling|chemo\w{0,8}|portal?|subcutaneous)"
)
_PARTS = (
    r"(?:fat(?:ty)?\s(?:lobul(?:e|ation)|lobe|island|tissue)|fat|lobules?\sof\s(?:\w{3,14}\s)?fat"
    r"|(?:pectoral(?:is)?(?:\s(?:major|minor))?|sternalis)(?:\smuscle)?(?:\s(?:edge|border|margin|fold|insertion|slip))?|muscle(?:\sedge|\sborder)?"
    r"|cooper'?s?'?\sligament|ligaments?\sof\scooper|(?:blood\s)?vessels?|veins?|arter(?:y|ies)|rib|costal\scartilage|cartilage"
    r"|(?<=normal\s)(?:part\sof\s(?:your|the|her|his)\s(?:breast|gland|anatomy)|anatomy|variant|structure|element)"
    r"|gyna?ecomastia|costochondral\s\w{3,9}|clavicle|xiphoid\w{0,3}"
    r"|(?:infra|sub)-?mammary\s(?:fold|ridge|crease)|nipple(?!\s(?:ret|inv|disch|chang|involv|thick|adenom))"
    r"|valve|ports?(?:\s(?:chamber|reservoir|catheter))?(?!-?\s?wine)|reservoir|pacemaker|generator|catheter|(?:tissue\s)?expander"
    r"|(?:implant|shell)\s?(?:fold|rim|edge|margin|border|valve|ripple|rippling)?|fold(?!\sof)|fold\sof\s(?:(?:the|its|her|his)\s)?(?:implant|shell|skin)"
    r"|radial\sfolds?|breast\sridge|(?:glandular|breast)\sridge)"
)
NORMAL_PART = (
    rf"(?:(?:an?|the|her|his|its|two|three|several|some)\s)?{_BODY_OF}?(?:(?:an?|the|her|his|its)\s)?(?:{_NORMAL}\s){{0,3}}{_BODY_OF}?(?:(?:an?|the|her|his)\s)?"
    rf"(?:{_NORMAL}\s){{0,2}}{_PARTS}s?\b(?!\s(?:necrosis|containing|density|of\sentry)|-|'s)"
)
"""A part of the breast or an implant that only looked or felt like a finding."""
NAMED_AS = (
    r"(?:represent(?:s|ing|ed)?|reflect(?:s|ing|ed)?|due\sto|correspond(?:s|ing|ed)?(?:\s(?:in|on|at)\s(?:the\s)?(?:[a-z0-9-]{2,14}\s){1,3}?)?\s?(?<=\s)(?:to|with)|consistent\swith|in\skeeping\swith"
    r"|attribut(?:able|ed)\sto|caused\sby|produced\sby|explained\sby|created\sby"
    r"|ha(?:s|ve|d)\sthe\s(?:appearances?|look|characteristics|features)\sof|(?:proved|proves|proven"
    r"|shows?\sitself|turn(?:s|ed)\sout(?:,[^,.;\n]{2,40},|\s(?:on|at|by|in)\s[a-z0-9 -]{2,30}?)?"
    r"|shown(?:\sby\s[a-z]{3,15}(?:\s[a-z]{3,12})?)?|found|felt|thought|considered|judged"
    r"|seen)\s(?:to\s(?:be|represent)|as)"
    r"|(?:dismissed|interpreted|regarded|read|classified|recogni[sz]ed|written\soff|identified)\sas|ascribed\sto|put\sdown\sto"
    r"|(?:considered|judged|deemed|called)(?=\s(?:an?\s|only\s|just\s|merely\s)?(?:superimp|summation|overlap|arte?|arti|normal|fat|skin|mole|vessel|dust|hair|technical)))"
)
TISSUE = (
    r"(?:(?:an?|the|only|normal|simple|from|of|tissue|glandular|fibroglandular|parenchymal|technical"
    r"|reconstruction)\s){0,3}"
)
NO_FINDING = rf"(?:{SUMMED}|{NOT_OF_THE_BREAST})"
_ONLY = (
    r"(?:(?:(?:in\s)?(?:all\s)?(?:probability|fact)|only|just|merely|simply|nothing\s(?:but|more\sthan|other\sthan)|no\smore\sthan"
    r"|clearly|actually|really|in\sreality)\s){0,2}"
)
_TAKEN_SO = (
    r"(?:(?:the|a|an|her|poor|faulty|different|oblique|changed|patient|patient's|slight)\s){0,3}(?:positioning|position|rotation|technique|projection"
    r"|motion|movement|blur(?:ring)?|angulation|obliquity)"
)
"""How an image was taken."""
EXPLAINED_AWAY = (
    rf"(?:being\s)?(?:in\srelation(?:ship)?\s(?:with|to)|relat(?:ed|ing|able)\sto|referable\sto|secondary\sto|as\s(?:an?\s)?expression\sof|belong(?:s|ing)?\sto|result(?:s|ing)?\sfrom|aris(?:es|ing)\sfrom|owing\sto|because\sof|on\saccount\sof)\s{TISSUE}{NO_FINDING}"
    rf"|(?<!not\s){NAMED_AS}\s{_ONLY}(?:{TISSUE}{NO_FINDING}|{NORMAL_PART}|{_TAKEN_SO}\b)"
    rf"|(?:is|are|was|were)(?:,\s[^,.;\n]{{2,40}},)?\s(?:(?:only|just|merely|simply)\s{TISSUE}{SUMMED}|(?:an?\s)?(?:(?!clip|biops|marker|metal)[a-z]{{4,12}}\s)?(?:arte?fact|artifact|summation|composite\sshadow)\w{{0,3}}\b|(?:spurious|illusory|fictitious|factitious|unreal|imaginary|an?\sillusion|a\sphantom|(?:only|merely)\sapparent)\b)"
    rf"|(?:is|are|was|were)\s{_ONLY}(?:{NOT_OF_THE_BREAST}|(?:an?|the)\s{TISSUE}{NO_FINDING})"
    r"|(?<!so\s)(?<!as\s)(?<!also\s)(?<!seen\s)(?<!visible\s)(?<!normal\s)(?<!nor\s)(?<!neither\s)(?<!involved\s)(?<!likewise\s)"
    rf"(?:is|are|was|were)\s{_ONLY}(?=an?\s|the\s|normal\s|fat|only|just|merely){NORMAL_PART}"
)
"""Behind a finding: it is none."""
