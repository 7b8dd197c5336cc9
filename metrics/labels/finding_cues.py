"""The labeler's cues of polarity: what denies, doubts, or asks for a finding, before it and after it.

Lists in the manner of NegEx and ConText (Chapman et al. 2001; Harkema et al. 2009), with what mammography adds: what
compression effaces, what was excised, what an older film didn't show. Every repeat is bounded.
"""

from metrics.labels.cue_words import (
    ADVERB,
    BE,
    CANNOT_TELL,
    DO_NOT,
    GOES,
    LY,
    ONLY_JUDGED,
    SEEN,
    SHOWS,
    SUSPICION,
    TAKEN,
    THE,
)
from metrics.labels.neutral_cues import NEUTRAL
from metrics.labels.no_findings import EXPLAINED_AWAY, NAMED_AS, NO_FINDING, NOT_OF_THE_BREAST, SUMMED, TISSUE

CUES = {
    # What was looked for and not found.
    "in_vain": "|".join(
        (
            r"(?:search|inspection|check|examination|review|scrutiny|look)\s(?:made\s)?for\b(?=[^.;\n]{0,80}?\b(?:negative|fruitless|unrewarding|unproductive"
            r"|without\sresult)\b)",
            r"(?:found|find|finding|saw|see|seeing|identified)\snone\b|in\svain\b|to\sno\savail\b|without\ssuccess\b|unsuccessful(?:ly)?\b",
            r"(?:(?:did|do|could|can)\s?not|cannot|didn't|couldn't)\s(?:find|see|locate|identify|reproduce|confirm)\s(?:it|one|any|them)"
            r"(?=\s?(?:[.,;\n]|\Z)|\s(?:on|in|at|with|now|today)\b)",
        )
    ),
    "unassessed": r"(?:is|was)\s(?:the|a)\s(?:clinical\s)?question\b|(?:(?:is|are|was|were)\s)?(?:not|(?:cannot"
    r"|can\snot|could\snot)\sbe)\sassess(?:ed|able)\b",
    "neutral": NEUTRAL,
    "uncertain_after": "|".join(
        (
            rf"favou?red\sto\s(?:be|represent)\s{TISSUE}{NO_FINDING}",
            r"(?<!as\s)(?<!if\s)(?<!where\s)(?<!when\s)(?:suspected|possible|probable|questioned|questionable|queried|presumed)"
            r"(?=\s?(?:[.,;)\n]|\Z)|\s(?:on|in|at|near|behind|by)\s)",
            rf"(?:(?:most|very)\s)?(?:likely|probably|presumably|possibly|perhaps|in\sall\s(?:probability|likelihood))\s(?:due\sto\s)?{TISSUE}{SUMMED}",
            rf"(?:cannot|can\snot|can't|could\snot|not)\s(?:be\s)?{ADVERB}(?:excluded|ruled\sout)\b(?:\sthat\sthere\s(?:is|are|was|might\sbe)\b)?",
            r"(?:cannot|can\snot|could\snot)\sbe\s(?:either\s)?(?:confirmed|proven|proved|verified)\sn?or\s(?:excluded|ruled\sout|refuted|denied)\b",
            r"(?:(?:can|could)\s)?(?:be\s)?neither\s(?:be\s)?(?:confirmed|proven|proved|verified)\snor\s(?:be\s)?(?:excluded|ruled\sout|refuted|denied)\b",
            rf"or\s(?:(?:merely|just|simply|only|mere)\s)?{TISSUE}{SUMMED}(?=\s?(?:[.,;?)\n]|\Z))|(?:(?<=,\s)|(?<=,))(?:still\s)?to\sbe\s(?:confirmed|verified)\b|(?:is|are)\s(?:most\s|very\s)?(?:likely|probable)(?=\s?(?:[.,;\n]|\Z))",
            r"not\s(?:beyond|above|free\s(?:of|from))\s(?:all\s|any\s)?doubt\b",
            r"com(?:es?|ing)\sto\smind\b|(?:is|are)\ssuggested\s(?:on|in)\s(?:the\s|one\s|this\s)?(?:cc|mlo|view|image|slice|left|right|tomo)\w{0,12}\b",
            r"(?:remains?|ha(?:s|ve)\syet)\sto\sbe\s(?:confirmed|proven|proved|verified|established|shown)\b",
            r"(?:has|have|needs?|must|should)\s(?:to\s)?be\s(?:considered|suspected|assumed|reckoned\swith|thought\sof)\b",
            r"(?:must|should|needs?\sto|ha(?:s|ve)\sto|remains?\sto)\s(?:first\s|still\s)?be\s(?:excluded|ruled\sout)\b",
            r"(?:may|might|could)\s(?:also\s|well\s)?be\s(?:present|there|seen|visible|considered|suspected|real|hiding|lurking)\b",
            r"(?:is|are|was|were)\s(?:difficult|hard|impossible)\sto\s(?:exclude|rule\sout|deny|be\ssure\sof)\b"
            r"(?=\s?(?:[.,;\n]|\Z)|\s(?:in|on|at|with|because|given|here|without|due)\b)",
            r"not\s(?:certain|definite|unequivocal|sure|convincing)(?=\s?(?:[.,;\n)]|\Z))",
            r"(?:is|are|was|were|remains?)\s(?:(?:highly|very|rather|quite|most|extremely|still|only|merely|just)\s)?(?:possible|improbable|implausible|imaginable|thinkable|(?:with)?in\sthe\s(?:realms?|bounds?)\sof\spossibility|suspected|questionable|questioned|equivocal|uncertain|unlikely|conceivable|"
            r"doubtful|debatable|(?:in|open\sto)\s(?:question|doubt|debate)|not\s(?:unlikely|improbable|impossible|certain|clear|definite)|unclear|unconfirmed|"
            r"(?:a|one)\s(?:possibility|consideration))\b(?!\s(?:whether|if|(?:that\s)?there)\b)",
        )
    ),
    "purpose": "|".join(
        (
            r"no\s(?:[a-z-]{3,15}\s)?(?:statement|comment|assessment|judge?ment|conclusion|opinion|evaluation|appraisal)s?\s(?:on|about|of|for|regarding|concerning|as\sto)\b"
            r"(?=[^.;\n]{0,80}\b(?:possible|feasible|permitted|(?:can|could|will)\s(?:here\s)?be\s(?:made|given|drawn|offered|passed))\b)",
            r"(?:to|please|for)\s(?:further\s|better\s)?"
            r"(?:rule\sout|exclude|look\sfor|assess\sfor|evaluate\sfor|check\sfor|search\sfor|detect|screen\sfor)\b",
            r"(?:rule\sout|r/o)\b(?!\s(?:[a-z]{3,15}\s)?[a-z]{3,15}\s?:)|look(?:ing)?\sfor\b|(?<!from\s)(?:assess|evaluat|search|screen)\w{0,4}\sfor\b|in\scase\sof\b|if\b",
            rf"whether\b(?!{CANNOT_TELL})(?:\sthere\s(?:is|are|was|were)\b)?|unless\b|history\sof\b|h/o\b|risk\sof\b|(?:for|to)\s(?:the\s)?(?:exclusion|detection)\sof\b",
            r"(?:must|should|may)?\s?not\s(?:to\s)?be\s(?:confused\swith|(?:mis)?taken\sfor)\b|had\sthere\sbeen\b(?=\s(?:an?|any|some|more)\s)|were\sthere\b(?=[^.;\n]{0,60}\bwould\b)|should\s(?:the|it|this|any|an?|these|they)\b|in\sthe\sevent\s(?:of|that)\b",
        )
    ),
    "absent_after": "|".join(
        (
            r"(?:is|are)\s(?:now\s)?history\b|only\s(?:an?|the)\s(?:[a-z]{3,12}\s)?(?:scar|clip|cavity|marker|ha?ematoma|seroma|fat)\s(?:remains?|(?:is|was)\s(?:left|seen|found)|persists?)\b",
            rf"(?:(?:is|are)\s)?(?:presumed|believed|considered|thought|assumed)\s(?:to\s(?:have\s(?:been\s)?|be\s))?(?:{GOES}|{TAKEN}|gone)\b",
            r"nothing\s(?:remains?|persists?|(?:is|was)\sleft|remained)(?=\s?(?:[.,;\n]|\Z)|\s(?:today|now|any)\b)",
            rf"(?:{BE}\s|do\s|does\s)?not\s(?!only\b|present\s(?!on\b|in\b|at\b|and\b|or\b|now\b|today\b)[a-z])"
            rf"(?:to\s)?(?:be\s|been\s)?{LY}{SEEN}\b",
            rf"(?:isn't|aren't|wasn't|weren't)\s{SEEN}\b|(?:can\snot|cannot|can't|could\snot"
            rf"|couldn't)\s(?:now\s|today\s|still\s|any\s(?:more|longer)\s|anymore\s)?be\s{LY}{SEEN}\b",
            rf"absent\b(?!\s(?:is|are|were)\s|\s(?:\w{{3,10}}\s)?hil)|(?:{BE}\s)?ruled\sout\b(?!\s(?:an?|any|the)\b)|excluded\b|no\slonger\s(?:to\sbe\s)?{LY}{SEEN}\b",
            r"(?:no\slonger|(?:do|does|did)\snot|doesn't|didn't|don't)\s"
            rf"{LY}(?:persists?|exists?|remains?|reproduces?)\b",
            rf"{GOES}\b|(?:{BE}|since|now|subsequently)\s{LY}{TAKEN}\b|(?:(?<=,)|(?<=,\s))(?:since\s)?{TAKEN}\b",
            rf"{TAKEN}(?=\s?(?:[.;\n]|\Z)|\s(?:\d|(?:in|on|last|during|via|by|at|from|previously|surgically"
            rf"|elsewhere)\b))",
            r"(?:is|are|was|were)\s(?:an?\s)?(?:raised\s|known\s|benign\s|large\s|small\s)?(?=(?:skin|cutaneous|dermal)\s(?:lesion|papilloma|growth|tag|cyst)s?\b)",
            # Explained away: "asymmetry due to overlapping tissue", "distortion (overlap)".
            EXPLAINED_AWAY,
            rf"(?<!possible\s)(?<!possibly\s)(?<!or\s)(?<!vs\s)(?<!versus\s)(?<!no\s)(?<!not\s){SUMMED}(?=\s?\))",
            r"(?<!margins\s)(?<!borders\s)(?<!contours\s)(?<!outlines\s)(?<!edges\s)(?:is|are|was"
            r"|were)\snot\sdefined\b",
            r"nowhere\b(?=\s?(?:[.,;\n]|\Z|to\b))|(?:on|in|at)\sneither\b(?:\s(?:side|breast))?(?=\s?(?:[.,;\n]|\Z))",
            r"(?:has|have|did)\s(?:not|never)\s(?:yet\s)?(?:recur(?:red)?|reappear(?:ed)?|(?:come|turn(?:ed)?|show[ns]?|crop(?:ped)?)\sup\sagain|appear(?:ed)?\sagain|return(?:ed)?(?!\sto)|c[oa]me\sback|grown\sback|regrown)\b",
            r"answered\s(?:in\sthe\snegative|negatively)|conspicuous\sby\s(?:its|their)\sabsence\b|(?:is|are)\sno\smore(?=\s?(?:[.,;\n]|\Z))",
            r"(?:shrunk|shrunken|dwindled|reduced)\sto\s(?:nothing|naught|zero)\b|(?:return(?:s|ed)|back|revert(?:s|ed)|settled|normali[sz]ed)\sto\snormal\b(?!\s(?:size|shape|form|position))",
            r"(?<!where\s)there\s(?:is|are|was|were)\s(?:none|nothing)(?=\s?(?:[.,;\n]|\Z)|\s(?:now|today|left|seen|visible)\b)",
            r"(?:is|are)\snot\s(?:a\s)?(?:feature|component)s?\b",
            r"(?:(?:do|does|did|could|can)\snot|cannot)\s(?:find|receive|get|obtain|meet)\s(?:any\s)?confirmation\b|(?:finds?|found|received?|lacks?|lacked|without|has|had)\s(?:no\s|any\s)?confirmation\b(?=\s(?:on|in|at|with|by)\b|\s?(?:[.,;\n]|\Z))",
            r"not\s(?:see|find|detect|visuali[sz]e|identify|discover|saw)(?=\s?(?:[.,;\n]|\Z)|\s(?:definite|clear|obvious|certain|distinct|sure)(?:ly)?\b|\shere\b)",
            r"turn(?:s|ed)\sout\snot\sto\s(?:exist|be\s(?:real|there|present))\b|(?:fail(?:s|ed)|cease[sd]?)\sto\s(?:persist|reproduce|exist"
            r"|appear|be\s(?:seen|visible|reproduced|confirmed|found|apparent))\b|(?:is|are)\s(?:now|today)\sinvisible\b",
            r"(?:proved|proves|proven|turned\sout|found|shown)\s(?:not\sto\sbe\s(?:real|there|present|genuine)|to\sbe\s(?:an?\s)?(?:illusion|illusory|spurious|unreal"
            r"|false|imaginary|nothing|absent))\b",
            rf"(?:can|could)\sno\slonger\sbe\s{LY}{SEEN}\b|are\snot\scharacteri[sz]ed(?=\s?(?:[.,;\n]|\Z)|\sin\b)",
            r"(?:has|have|had|is|are)\s(?:now\s)?(?:fully|completely|entirely|totally)\s(?:regressed|receded|cleared|subsided|gone|healed)\b"
            r"|regressed\s(?:fully|completely|entirely)\b",
            r"(?:(?:do|does|did)\snot|no\slonger)\s(?:shows?(?:\sup)?|appears?|turns?\sup|comes?\sup|figures?)(?=\s?(?:[.,;\n]|\Z)|\s(?:any\s(?:more|longer)|anymore|again|today|now|on|in|here|there)\b)",
            r"(?<!which\s)(?<!that\s)(?:is|are|was|were)\snot(?=\s?(?:[.,;\n]|\Z))",
            r"(?:is|are|was|were)\s(?:now\s|both\s|all\s)?(?:lacking|wanting|missing|nonexistent|non-existent)\b",
            rf"(?:can\snot|cannot|can't|could\snot|couldn't)\sbe\s{LY}(?!{ONLY_JUDGED})[a-z]{{3,14}}(?:ed|en|nt)\b",
            r"(?:is|are|was|were)\snow\s(?:only\s|merely\s|just\s)?(?:an?\s)?(?:faint\s|small\s)?(?:scar|clip|cavity|seroma|oil\scyst)\b|(?:been\s)?replaced\sby\s(?:an?\s|the\s)?(?:biopsy\s|marker\s|surgical\s)?(?:clip|scar|marker|seroma|ha?ematoma|cavity)s?\b",
            r"not\s(?:persistent|persisting|constant)(?=\s?(?:[.,;)\n]|\Z)|\s(?:on|in|at|with)\b)",
            rf"(?:completely|entirely|fully|totally|wholly|successfully)\s{TAKEN}\b|(?:(?<=[a-z]\s)|(?<=:\s))neither(?=\s?(?:[.;\n]|\Z))",
            rf"(?:(?:{BE}|now|all|completely)\s){{0,3}}gone\b",
            rf"(?:neither|none)\s(?:of\s(?:which|them|these|the\stwo)\s)?(?:(?:is|are|was|were|(?:can|could)\sbe|ha(?:s|ve)\sbeen)"
            rf"\s(?:{SEEN}|real|genuine|true)|persists?|persisted|holds?\sup)\b",
            r"(?:is|are|was|were)\snot\s(?:an?\s)?(?:real|genuine|true|authentic)(?=\s(?:one|finding|abnormality)\b|\s?(?:[.,;:\n]|\Z))",
            r"none\b(?!\s(?:of|elsewhere|otherwise|within|inside|lies?|extends?|reaches|shows?|contains?|calcified|has|have|with)\b)(?:\s(?:seen|identified|noted|detected|present|found|visible|evident|suspicious))?",
        )
    ),
    "uncertain_before": "|".join(
        (
            rf"(?:cannot|can\snot|can't|could\snot|unable\sto|not)\s{ADVERB}(?:exclude|rule\sout)\b",
            r"(?:difficult|hard|impossible)\sto\s(?:exclude|rule\sout)\b"
            r"|(?<!no\s)(?<!any\s)(?<!or\s)(?<!without\s)(?<!-)suspect\b|perhaps\b|(?<!malignant\s)potential(?:ly)?\b"
            r"|apparently\b|conceivabl[ey]\b",
            r"(?:not|isn't|wasn't|never)\s(?:\w{2,12}ly\s)?possible\sto\s(?:exclude|rule\sout)\b",
            r"(?:unclear|uncertain|(?:not|n't)\s(?:clear|certain|sure|possible\sto\ssay)|unsure|questionable|(?:cannot|can\snot)\s(?:tell|say|be\s"
            r"(?:sure|decided|determined|said|told|established|known|clarified|judged|ascertained|excluded)))\s(?:whether|if)\b(?:\sthere\s(?:is|are|was|were)\b)?",
            r"(?:possible|conceivable|likely|probable|imaginable|suspected|feared|thought)\s(?:that\s)?there\s(?:is|are|was|may\sbe|might\sbe)\b",
            r"(?:presumed|supposed|putative)\b(?!\s(?:benign|fibroad|cyst|scar|post))|wonder(?:s|ed|ing)?\s(?:about|whether|if)\b(?:\sthere\s(?:is|are)\b)?"
            r"|(?:think|thinks|thinking)\sof\b",
            r"(?:may|might|could)\s(?:also\s|well\s|already\s)?(?=inva|infiltr|involv|retract|tether)",
            r"(?:i|we)\sdoubt\b(?:\s(?:that|whether|if)\b)?(?:\sthere\s(?:is|are)\b)?",
            r"(?:consider|d/?dx?|differential(?:\sdiagnosis)?)\s?:|unconfirmed\b(?=\s[a-z])|there\s(?:seems?|appears?)\sto\sbe\b|(?:hesitat\w{1,3}|reluctant)\sto\s(?:call|diagnose|describe|label|name|speak\sof|report)\b",
            r"(?:unsure|uncertain|not\s(?:sure|certain)|in\sdoubt|(?<!no\s)(?<!little\s)(?<!any\s)doubts?)\s(?:about|as\sto|regarding|concerning)\b|(?:unsure|not\s(?:sure|certain))\sof\b",
            r"may\sor\smay\snot\b(?:\sbe\b)?|inclined\sto\s(?:call|think|regard|see)\b",
            r"(?:cannot|can\snot|could\snot)\srule\sin\sor\s(?:rule\s)?out\b",
            rf"whether\b(?:\sthere\s(?:is|are|was|were)\b)?(?={CANNOT_TELL})",
            r"(?<![a-z,]\s)(?<!,)likely\b(?!\s(?:due|related|secondary|represent\w{0,3}|to)\b)",
            r"possibl[ey]\b|probabl[ey]\b|questionabl[ey]\b|unlikely\b|equivocal\b|suspected\b|suspicious\sfor\b",
            r"suspicion\s(?:of|for)\b|concern(?:ing)?\sfor\b|worrisome\sfor\b|doubtful\b|dubious\b",
            r"(?:cannot|could\snot|would\snot|not|n't)\s(?:swear|guarantee|vouch|(?:be\s)?(?:sure|certain))\s(?:that\s)?there\s(?:is|are)\sno\b",
            r"(?<!not\sa\s)(?<!no\s)(?<!without\sa\s)(?<!any\s)(?:impression|hint|semblance|inkling)\sof\b(?=\s(?:an?\s|some\s|subtle\s|slight\s|distort|mass|asymm|calc|nodul|focal))",
            r"(?:the\s)?(?:possibility|suggestion|question)\sof\b|quer(?:y|ied)\b",
            r"(?:exclusion|ruling\sout)\sof\b(?=[^.;\n]{0,100}\b(?:not\s(?:possible|feasible|achieved)|impossible))",
            r"(?:likely|probably|possibly|presumably)\s(?:represent\w{0,3}|reflect\w{0,3})(?=\s(?:an?\s|the\s|some\s)?(?:[a-z-]{2,14}\s){0,3}(?:mass|nodul|lesion|calc|microc|distort|architect|asymm))",
            r"(?:may|might|could)\s(?:also\s|well\s)?"
            r"(?:represent|be|reflect|suggest|indicate|correspond\sto|harbou?r)\b|maybe\b",
        )
    ),
    "negation": "|".join(
        (
            r"no\s(?:\w{3,14}\s){0,2}?(?:images?|appearances?|pictures?|features?|findings?|changes?|signs?|shadows?)\s(?:compatible|consistent|in\skeeping"
            r"|concerning|suspicious)\s(?:with|for|of)\b|exclude\b",
            rf"neither\s(?:(?:of\sthe\s(?:two\s)?)?(?:breasts?|sides?|views?)|left\snor\sright\sbreast)\s(?:{SHOWS}|with|having|containing)\b",
            r"(?:fail(?:s|ed|ure)?|unable)\sto\s"
            r"(?:show|demonstrate|reveal|detect|identify|visuali[sz]e|confirm|find|depict|disclose|make\sout|see|discern|appreciate|recogni[sz]e|perceive|spot|delineate|point\sto|substantiate|verify|document)\b",
            r"(?:cannot|can\snot|could\snot|couldn't|can't)\s(?:\w{3,10}ly\s)?(?:see|identify|detect|find|appreciate|visuali[sz]e|demonstrate|discern|make\sout|recogni[sz]e|spot|depict|perceive|point\sto|pick\sout|delineate|trace|locate)\b",
            rf"(?:disagree|differ)\swith\s{THE}(?:[a-z]{{3,14}}'s?\s)?{SUSPICION}\s(?:of|for|that\sthere\s(?:is|was|are))\b(?:\s(?:an?|any|the)\b)?",
            r"absent\s(?:is|are|were)\b|nowhere\b",
            rf"(?:{DO_NOT}|cannot|can\snot|could\snot|unable\sto|hesitate\sto)\s(?:share|support|endorse|uphold|follow|accept|agree\swith"
            rf"|subscribe\sto|confirm)\s{THE}{SUSPICION}\s(?:of|for)\b(?:\s(?:an?|any|the)\b)?",
            rf"no\s(?:reason|basis|grounds?|support|cause)\s(?:for|to\ssupport|to\sshare)\s{THE}{SUSPICION}\s(?:of|for)\b",
            rf"(?:{DO_NOT}|cannot|can\snot)\s(?:agree|believe|think|feel|find|see|consider)\s(?:that\s)?there\s(?:is|are|was|were)\b",
            rf"not\s(?:been\s)?possible\sto\s(?!{ONLY_JUDGED}|say|tell|make\sa|establish|correlate|define\sthe)[a-z]{{3,12}}\b|not\spossible\sto\s(?:make\sout|see|identify|detect|find|discern|delimit|recogni[sz]e|demonstrate"
            r"|appreciate)\b",
            r"nothing\s(?:in\sthe\s(?:nature|way)\sof|like|resembling|akin\sto|(?:that|which)\s(?:could|can|might|would)\sbe\s(?:called|considered"
            r"|(?:mis)?taken\sfor|(?:regarded|described|seen|read|interpreted)\sas))\b|clear\sof\b",
            r"negative\s(?:as\s(?:regards|to)|regarding|concerning|with\s(?:regard|respect)\sto|in\srespect\sof)\b",
            r"nothing\b(?:\s(?:to\s)?(?:suggest|indicat)\w{0,4})?(?:\sof)?",
            r"(?<!partial\s)(?<!incomplete\s)(?:complete\s|interval\s)?(?:resolution|disappearance|effacement)\sof\b",
            r"(?:there\shas\sbeen|underwent|has\shad)\s(?:an?\s)?(?:complete\s|surgical\s|interval\s)?(?:excision|resection|removal)\sof\b",
            r"(?:(?:interval|previous|prior|complete|surgical|recent|after|following|post|s/p|status\spost|since)\s){1,3}"
            r"(?:the\s)?(?:benign\s)?(?:excision(?:al)?(?:\sbiopsy)?|lumpectomy|removal|resection|enucleation)\sof\b"
            r"(?![^.;\n]{0,80}\b(?:recommend|advis|suggest|plann|indicat|consider|should|needed|required))",
            r"no\s(?:evidence|signs?|suggestion|suspicion|indication)\s(?:of|for)\b|no\b(?!\.?\s?\d)|without\b|nil\b",
            r"negative\sfor\b|free\s(?:of|from)\b|(?:in\sthe\s)?absence\sof\b|lack\sof\b|lack(?:s|ing)?\b|zero\b|devoid\sof\b",
            r"(?:wrong|incorrect|inaccurate|a\smistake|an\serror)\sto\s(?:call|label|name|describe|regard|read|report|interpret)\b",
            r"(?<!not\s)(?<!partially\s)(?<!incompletely\s)(?<!partly\s)(?<!be\s)(?<!been\s)(?<!of\s)(?:excised|removed|resected|vanished|disappeared|non-?\s?(?:reproducible|persistent|persisting|existent|reproduced|visuali[sz]ed|seen|identified))"
            r"\s(?=(?:[a-z-]{3,12}\s){0,2}(?:mass|nodul|node|lymph|les|calc|microc|opac|distor|architectural|asym|tumou?r|lump))(?![^.;\n]{0,80}\b(?:come\sback|came\sback|recur|return|reappear|regr[eo]w|measur|histolog|contain|was\sa\b|proved))",
            r"(?:non-?\s?visuali[sz]ation|no\svisuali[sz]ation|non-?\s?demonstration)\sof\b|hardly\s(?=an?\b|any\b)|den(?:ies|ied)\b|rather\sthan\b|instead\sof\b|neither\b|nor\b|never\b|rules\sout\b|ruled\sout\b",
            r"simulat(?:es?|ed|ing)\b|mimic(?:s|ked|king)?\b",
            r"not\s(?:convinced|persuaded|satisfied)\s(?:(?:that|by)\s)?(?:there\s(?:is|are|was|were)|this\sis|it\sis|these\sare)\b",
            r"(?:demonstration|visuali[sz]ation|identification|confirmation)\sof\b(?=[^.;\n]{0,80}?\bnot\s(?:possible|achieved|successful))",
            r"by\sno\smeans\b|in\sno\sway\b",
            r"not\s(?:even\s)?(?:an?|the)\s(?:slightest\s|least\s|faintest\s)?(?:hint|trace|suggestion|suspicion|sign)\sof\b",
            r"none\s(?=(?:calcified|contains?|shows?|has|have|with)\b)|un(?:accompanied\sby|associated\swith)\b"
            r"|(?:complete|full)\s(?:\w{4,14}\s)?(?:response|remission|regression)\s(?:of|for)\b",
            r"(?:negative|absent|not\sseen)\s?:\s(?=(?:[a-z]{3,14}\s){0,2}(?:mass|calc|microc|nodul|lesion|distor|asym|nodes?\b|lymph|adenop))",
            r"excludes\b|none\sof\b|not\s(?:associated|accompanied)\s(?:with|by)\b",
            r"not\s(?:show\w{0,3}|demonstrate|reveal|contain|have)\b|not\b|(?:isn't|aren't|wasn't|doesn't|don't)\b",
        )
    ),
}
"""In the order in which they are tried."""

EXPLAINED = (
    rf"(?:{SUMMED}|skin\slesions?\b|{NOT_OF_THE_BREAST})[^.;,\n]{{0,60}}?\s"
    r"(?:(?:accounts?\sfor|explains?|(?:is|are)\sresponsible\sfor|causes?|causing|produces?|producing)\s(?=(?:the|an?"
    r"|this|that)\b)|(?:project|appear|present)\w{0,3}\sas\b)"
)
"""Before what is no finding: "a skin mole accounts for the opacity"."""

RUN_ON = (
    r"(?<!\bor\s)(?<!\bnor\s)(?<!\band\s)(?<!\bany\s)(?<!\bno\s)(?<!\bof\s)(?<!\bin\s)(?<!\bon\s)(?<!\bwith\s)(?<!\bthan\s)"
    r"(?<!\bfor\s)(?<!\bthe\s)(?<!\bat\s)(?<!\bto\s)(?<!\bby\s)(?<!\bwithin\s)(?<!\bas\s)(?<!\bfrom\s)(?<!\bnot\s)(?<!\bboth\s)"
    r"(?<!,\s)(?<!/)(?<!/\s)(?<!&\s)(?<!\(){}\b"
)
"""Words that no list and no preposition leads to."""

LATER_CUES = {
    "onset": RUN_ON.format(
        r"(?:few|several|numerous|multiple|scattered|some|stable|benign|vascular|\d{1,3}\s?(?:mm|cm)"
        r"|(?:this|it|these|they)(?=\s(?:is|are|was|were|represents?|reflects?|forms?)\b(?!\snot?\b|\snever\b)))"
    ),
    "side": RUN_ON.format(r"(?:right|left|rt|lt)\s(?:breast|side)"),
    "than": r"than\b",
    "tissue": r"(?:composed|made\sup|consist\w{0,3}|formed)\s(?:of|by)\s(?:only\s|just\s|merely\s)?"
    r"(?:(?:normal|overlapping|superimposed|crossing)\s(?:[a-z]{4,15}\s)?|(?:fibro)?glandular\s)(?:tissue|parenchyma|structures|stroma)\b|"
    rf"(?:{NAMED_AS}|(?:is|are|was|were|consider\w{{0,3}}\s(?:it|this|these|them))\s(?:an?\s)?(?:just|only"
    rf"|merely|simply|normal|ordinary"
    r"|superimposed|overlapping))\s(?:(?:an?|the|only|just|merely"
    r"|superimposed|normal|dense|ordinary|asymmetric|glandular|fibroglandular|fibrous|breast|island\sof|islands\sof|lobules?\sof)\s){0,4}"
    r"(?:(?:tissue|parenchyma|glands?)\b|(?<=glandular\s)(?:island|lobul(?:e|ation)|lobe|ridge)s?\b)",
    "again": r"(?:(?:found|identified)\s(?:one|two|three|several|it|some)|recurred|reappeared|(?:has"
    r"|have)\s(?:returned(?!\sto\snormal)|regrown|come\sback))\b",
    "holds": r"(?:persist(?:s|ed|ing|ent)?|(?:is|are|was|were)\s(?:again\s)?(?:confirmed|reproduced|re-?demonstrated"
    r"|verified|substantiated|real|genuine)|holds\sup)\b",
    "versus": r"(?:vs\b\.?|versus\b)(?!\s?\d)",
    "stop": r"(?:but|however|except(?:ing)?|(?:with\sthe\s)?exception\sof|besides|barring"
    r"|(?:save|bar)(?:\sfor|(?=\s(?:an?|the|some|few|one|two|three|several|\d{1,2}\smm)\b))|although|though"
    rf"|whereas|while|(?<!for\s)which|apart\sfrom|other\sthan|aside\sfrom|despite|there\s(?:is|are|was|were)(?!\s{TAKEN}\b))\b",
    "shows": r"(?:shows?|showing|demonstrat(?:es|ed)|reveals?|contains)\b",
    "pause": r"(?:(?:associated|along|together)\s)?with\b",
    "diagnosis": r"(?:malignanc(?:y|ies)|malignant|cancer|carcinoma|metasta\w{1,5}|paget\w{0,2}(?:'s)?(?:\sdisease)?"
    r"|dcis|lcis|idc|ilc|recurrences?|(?:\w{3,6})?sarcoma|lymphoma|leuk\w{5,6}|abscess|mastitis|papilloma\w{0,5}|phyllodes(?:\stumou?r)?"
    r"|fibroadenomas?|hamartomas?|cysts?|radial\sscar|fat\snecrosis|ha?ematoma|seroma|inflammatory\sbreast\sdisease"
    r"|invasive\sdisease|in-?\s?situ\sdisease)\b",
    "verb": rf"(?:is|are|was|were|has|have|had|appears?|seems?|yes|true|stable|unchanged|{SEEN}"
    r"|(?:fewer|less|more|smaller|larger|bigger|denser|fainter|increased|decreased|regressed|progressed|reduced|grown|idem|as\sbefore"
    r"|ditto)(?=\s?(?:[.,;\n]|\Z|than\b|since\b|compared\b|on\b)))\b",
    "conjunction": r"and\b",
    "alternative": r"or\b",
}
_NOTHING = (
    r"(?:none|nil(?:\s(?:of\snote|significant|suspicious|new|focal|abnormal))?|no(?:\s(?:suspicious|significant|dominant|focal|abnormal|new))?|absent|negative|false|nad"
    r"|nothing(?:\sof\sthe\s(?:kind|sort))?|no\slonger|n0|not\sapplicable)"
)
_ASKS = (
    r"\s\?{1,3}\s?(?!(?:in|on|at|near|behind|left|right|seen|upper|lower|inner|outer|present|visible|noted|adv\w{0,4})\b)"
    r"[a-z]{2}"
)
"""A question mark that belongs to what follows: "distortion ? scar"."""
MARKS = {
    "answered": r"\?\s?(?:yes|present|enlarged|thickened|retracted|inverted)\b",
    "absent_mark": r"(?<=[a-z])-free\b(?!\s(?:survival|margin|interval))"
    rf"|[:=-]\s?{_NOTHING}\b(?=\s?(?:\Z|[.,;\n)\]}}]))|,\s?no(?=\s?(?:[.;\n]|\Z))"
    r"|(?<=[a-z])\s?-(?=[.,;\n]|\Z)|\?\s?not(?=\s(?:on|in|at)\b)|(?<=(?:mass|calc|dist)\s)0(?=\s?(?:[.,;\n]|\Z)|\s(?:mass|calc|dist))",
    "doubted": rf"[:=]\s?\?{{1,3}}(?=\s?(?:[.,;|/\n(]|\Z))|(?<=[a-z])(?!{_ASKS})(?:\s?\(\?\)"
    r"|\s?\?(?![a-z])|\?)|[:=-]\s?"
    r"(?:possible|probable|questionable|uncertain|suspected|equivocal|unclear|not\s(?:certain|excluded|definite)|unlikely|doubtful|query|maybe|(?:can\s?not|cannot)\s(?:be\s)?(?:exclude|rule)d?(?:\sout)?)\b"
    r"(?=\s?(?:\Z|[.,;\n()\]}]))",
    "doubt": r"\?",
    "dash": r"(?<=\s)-{1,2}\s",
    "comma": r",",
    "ampersand": r"&",
    "slash": r"\s/\s|/",
    "open": r"[(\[]",
    "close": r"[)\]]",
}
