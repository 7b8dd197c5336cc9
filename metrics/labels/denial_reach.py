"""How far a denial reaches: where a list that is denied goes on, and where a statement of its own begins.

"No mass, calcification or distortion"; "no mass, and the calcifications are vascular"; "no biopsy of the mass".
"""

import re

NEW_STATEMENT = re.compile(
    r"\s?(?:and\s)?(?:there\b|(?:rather|instead|more\slikely|more\sprobably|but|just)\s(?:an?|the|this|some)\b|an?\s|few\b|multiple\b|several\b|some\b|scattered\b"
    r"|numerous\b|singl?(?:e|ular)\b|solitary\b|isolated\b|individual\b|occasional\b|sparse\b|another\b|benign\b|vascular\b|popcorn\b|coarse\b|stable\b|mild\b|bilateral\b|one\b(?!\sor\b)|two\b|three\b|four\b|five\b|many\b|widespread\b|dystrophic\b|secretory\b"
    r"|typical(?:ly)?\b|egg-?shell\b|known\b|unchanged\b|just\b|only\b|merely\b|(?:the\s)?presence\sof\b|(?:i|we)\s(?:do\s)?(?:see|find|note|identify|notice)\b)"
)
"""After a comma or "and": words that begin a statement of what is there, not the next item of a negated list."""

NEW_SUBJECT = re.compile(
    r"\s?(?:and\s)?(?:the|its|their|her|his|these|those)\s(?:(?!or\b|nor\b)[a-z0-9'-]{1,20}\s?){1,7}?(?:,\s[^,.;\n]{2,50},)?(?:(?<=\s)|\s)"
    r"(?:(?:is|are|has|have|was|were|shows?)\s(?!not?\s(?!chang|grow|increas|decreas|alter|enlarg|spicul|suspic)|never\b|absent\b|without\b|free\b)"
    r"|(?:remains?|appears?|seems?|looks?|measures?|lies?|l[ai]y|persists?|extends?|contains?|corresponds?|represents?"
    r"|needs?|requires?|warrants?|covers?|projects?|reach(?:es)?|stays?|keeps?|suggests?|grew|follows?|surrounds?|belongs?)(?=\s?[.;,\n]|\s(?!not?\b|absent\b|free\b)))"
)
"""After "and" in a denied list: a statement with a subject and a verb of its own."""

LEADING_EXCEPTION = re.compile(
    r"\s?(?:except(?:ing)?(?:\sfor)?|apart\sfrom|aside\sfrom|other\sthan|besides|barring|save(?:\sfor)?|exception\sof)\s"
)

SUBJECT_OF_ITS_OWN = re.compile(
    r"\s?(?:the|both|all|this|these|no|neither|nothing|there|each|breasts?|remaining|mammogra\w{1,4}|stud(?:y|ies))\b"
)
"""The end of "except for arterial calcifications, the breasts are free of ...": a statement begins there."""

IS_SEEN = re.compile(
    r"\s(?:is|are)\s(?:(?:\w{2,12}ly|still|well|only|best|however|but|easily)\s){0,2}(?:seen|visible|present|evident|apparent|demonstrated|shown|palpable|obvious|identified)\b"
)

FINITE = re.compile(r"\b(?:is|are|was|were|appears?|shows?|demonstrates?|present)\b(?!\snot)")

OF_ITS_OWN = re.compile(
    r"\s?(?:and\s)?(?:(?:the|other|right|left|axillary|all)\s){0,2}(?:(?:micro|macro)?-?calc\w{0,12}|(?:lymph\s)?nodes|nodules|masses|opacities|asymmetries)\s"
    r"(?:(?:are|is|of|r|l|right|left|appear|look|all|purely|only|solely|exclusively|merely|mainly|bilat\w{0,8}|remain|type)\s){0,4}"
    r"(?:vascular|benign|round|coarse|few(?:er)?|less|scattered|smaller|larger|typical(?:ly)?(?!\sof)|dystrophic|popcorn|punctate|secretory"
    r"|arterial|sparse|isolated|tiny)\b"
)
"""Behind a denied finding, another one of which something is said: "no mass, and calcifications are vascular only"."""

AS_BEFORE = re.compile(
    r"\s?(?:and\s)?(?:(?!(?:or|nor|no|and|without|not)\b)[a-z-]{2,20}\s){1,5}(?:(?:remain|stay)s?\s)?(?:stable|unchanged|constant"
    r"|as\sbefore|identical|idem|persist(?:s|ing|ent)?|known|the\ssame)(?=\s?(?:[.,;\n]|\Z|\s(?:since|compared|from|over)\b))"
)
"""Behind a denied finding, another one of which is said that it hasn't changed: "no mass, calcifications stable"."""

WITHOUT_A_CENTRE = re.compile(
    r"(?:spicul|radiating|stellate|striat|strands?\b|lines\b)[^.;,\n]{0,30}?\s(?:without|no)\s(?:an?y?\s)?(?:[a-z]{4,12}\s)?mass\b[^.;,\n]{0,40},\Z"
    r"|(?:without|no)\s(?:an?y?\s)?central\smass\b[^.;,\n]{0,40},\Z"
)
DISTORTS = re.compile(r"\s?(?:an?\s)?(?:architectural\s)?distortion\b(?![^.;\n]{0,60}\b(?:or|nor)\b)")
"""Behind spicules that have no mass in them: what they are ("spicules without a central mass, distortion")."""

LISTED = re.compile(
    r"\b(?:or|nor|no|without)\b|^\s?and\b"
    # "…, asymmetry and distortion are seen": a place behind the verb would make it a statement of its own.
    r"|^[\w\s/-]{2,60}\s(?:and|&)\s[\w\s/-]{2,50}\s(?:is|are|was|were)\s(?:clearly\s|definitely\s)?"
    r"(?:seen|noted|identified|detected|demonstrated|found|visible|visuali[sz]ed|evident|apparent|present|appreciated|observed|shown)"
    r"(?:\s(?:here|today|bilaterally|(?:in|on|within)\s(?:either|any|both|the\s(?:present|current))[\w\s]{0,40}))?\s?(?:[.;]|\Z)"
)

LIST_GOES_ON = re.compile(r"[^.;]{0,160}?\b(?:or|nor)\b")
"""In what follows a comma: the list goes on to its last item."""

_NO_CHANGE_OF = (
    r"(?:no|without|(?:absence|lack)\sof)\s(?:[a-z-]{3,15}\s){0,2}(?:growth|enhancement|flow|vascularit\w{1,3}|uptake|biopsy|intervention|treatment"
    r"|progression|perfusion|restriction|hypervascularity|vasculari[sz]ation)\s(?:(?:is|was)\s)?(?:(?:seen|found|demonstrated|noted|needed|required|necessary|present)\s)?"
)

BEHIND_A_DENIAL = re.compile(
    r"\s(?:(?!of|in|for|with|show|reveal|see|find|and|or|nor|that|than)[a-z-]{3,15}\s){1,3}(?<!\bof\s)(?<!\bin\s)(?<!\bfor\s)(?<!\bto\s)(?<!\bon\s)(?<!\bby\s)(?<!\bat\s)(?:the|this|these)\s"
    r"(?:[a-z-]{3,15}\s){0,3}"
)
"""From a denial to a subject of its own: "in the absence of growth the nodule is regarded as benign"."""

GOES_ON_AS_SUBJECT = re.compile(
    r"\s(?:is|are|was|were|has|have|may|can|could|should|will|must|remains?|needs?|appears?)\b"
)

DENIED_OF_THE = re.compile(
    r"(?:no|nothing|without|(?:fails?|failed)\sto\s(?:show|demonstrate|reveal)|(?:do|does|did)\snot\s(?:show|demonstrate|reveal))\s(?:(?!trace|sign|evidence|remnant|residu|vestige|remain|rest\b|part|left\b|hint|suggest|suspicion|indicat|longer|confirm|support"
    r"|proof|recurr|mass|lesion|nodul|calc|microcalc|opac|lump|tumou?r|asymm|distort|node)[a-z-]{2,15}\s){1,4}"
    r"(?:of|for|about|concerning|affected|altered|influenced|regarding|at|in|within|inside|around|near|along|throughout|(?:in|within)\sor\saround)\s(?:the|this|that|these|those)\s"
    r"(?:region\sof\sthe\s)?(?:[a-z-]{3,15}\s){0,2}(?:(?:areas?|groups?|clusters?|foc(?:us|i))\sof\s)?"
    r"(?:[a-z-]{3,15}\s)?"
    rf"|{_NO_CHANGE_OF}(?:of|for|in|at|within|around|to)\s(?:(?:the|this|that|these|those|any|known|existing)\s)?(?:[a-z-]{{3,15}}\s){{0,3}}"
)
"""From a denial to a finding of which only something else is denied: "no biopsy of the mass"."""
