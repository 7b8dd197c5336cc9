"""The labeler's vocabulary of findings: their names and what describes them, in one pattern with the cues of polarity.

Names follow the ACR BI-RADS Atlas (5th edition, 2013) and the DMID reports ("soft opacity" for mass). Every repeat
is bounded, so no pattern can take more than linear time.
"""

import re

from metrics.labels.cue_words import GOES, SEEN
from metrics.labels.finding_cues import CUES, EXPLAINED, LATER_CUES, MARKS
from metrics.labels.no_findings import EXPLAINED_AWAY, NO_FINDING

_FINDINGS = {
    "asymmetry": r"ass?ymm?etr(?:y|ies)\b|ass?ymm?etric(?:al)?\s"
    r"(?:(?:breast|focal|fibroglandular|glandular|parenchymal|dense|area\sof|increased)\s){0,2}"
    r"(?:densit(?:y|ies)|tissue|opacit(?:y|ies)|parenchyma|shadow(?:s|ing)?|areas?|densifications?|images?)\b",
    "mass": r"mass-?\s?like\s(?:residu\w{1,3}|remnants?|images?|findings?|abnormalit(?:y|ies)"
    r"|areas?|structures?)\b|(?<!body\s)(?<!pseudo[\s-])mass(?:es)?\b(?!-[a-z]|\slike)"
    r"|images?\s(?:of|with)\s(?:an?\s)?(?:nodular|mass-like)\s(?:aspect|appearance|morphology|character)\b|nodular\s(?:densit(?:y|ies)|opacification)\b|(?:nod(?:ular|e|ose)|focal|volumetric|space-?\s?occupying|round(?:ed)?|solid|spherical|oval)\s"
    r"(?:image|formation|structure|shadow|lesion|process)(?:e?s)?\b|formations?\sof\s(?:an?\s)?(?:irregular|round(?:ed)?|oval|lobulated)\s(?:shape|form)\b|(?:additional|suspicious"
    r"|patholog\w{2,4})\sformations?\b|(?<!pseudo[\s-])lesions?\b|nodules?\b"
    r"|opacit(?:y|ies|iy)\b|lumps?\b"
    r"|tumou?rs?\b|sols?\b",
    "calcification": r"(?:(?:micro|macro)[-\s]?)?calc(?:if\w{1,10}|s)?\b|calcareous\b"
    r"|(?<=\bno\s)clusters?\b(?=\s?[.,;\n]|\sor\b|\sof\sconcern)"
    r"|(?:(?<=one\s)|(?<=two\s)|(?<=the\s)|(?<=new\s)|(?<=suspicious\s))clusters?\b(?!\s(?:of|with))|calcium\s(?:deposits?|specks?|flecks?)\b"
    r"|milk\sof\scalcium\b|calcium\b(?!\s(?:score|channel|supp|intake|tablet))",
    "architectural_distortion": r"(?:architectural\s|architecture\s)?distortions?\b"
    r"|(?:distorted|disturbed)\sarchitecture\b"
    r"|architectur(?:al|e)\s(?:disturbance|deformit(?:y|ie)|deformation|disruption|disorgani[sz]ation|disarray"
    r"|alteration|anomaly|irregularity)s?\b"
    r"|(?:parenchymal|stromal|tissue)\s(?:deformit(?:y|ies)|deformation|disturbances?)\b|architecture\s(?:of\s(?:the\s)?[a-z]{5,10}\s)?(?:is|appears|looks)\s(?:\w{3,10}ly\s)?(?:deformed|distorted|disturbed"
    r"|disrupted|disorgani[sz]ed)\b"
    r"|loss\sof\s(?:the\s)?(?:normal\s)?(?:breast\s|glandular\s|parenchymal\s)?architecture\b|(?:stroma|parenchyma)\s(?:is|appears|looks)\s(?:\w{3,10}ly\s)?(?:distorted|disrupted|disturbed)\b"
    r"|(?:disturbance|disruption|disorgani[sz]ation|disarray|retraction|deformation|derangement)s?\sof\s(?:the\s)?(?:breast\s|parenchymal\s"
    r"|glandular\s)?(?:architecture|parenchyma|structure)\b",
    "lymph_node": r"lymph\s?-?nodes?\b|(?:lymph)?adeno(?:path|megal)(?:y|ies)\b|(?:axillary|intra-?mammary)\snodes?\b"
    r"|nodes?\b"
    r"|lns?\b|lap\b|nodal\s(?:enlargement|disease|metasta\w{1,5})\b",
    "skin": r"skin\b|cutis\b|cutaneous\b|(?:in)?teguments?\b|dermis\b",
    "nipple": r"nipples?\b|nac\b|mam{1,2}il{1,2}(?:a[es]?|ary)\b"
    r"|(?<!of\sthe\s)(?<!from\sthe\s)(?<!around\sthe\s)areola[es]?\b"
    r"|papillary\b(?=\s(?:retraction|inversion|eversion|changes?|thickening))|papillae?\b|papillo-?\s?areolar\b|areol(?:o|ar)-?\s?(?:papillary|mam{1,2}illary)\b",
    "pectoral": r"pectoral(?:is)?\b(?:\s(?:major|minor)\b)?(?:\smuscles?\b)?"
    r"|(?<!behind\sthe\s)(?<!beneath\sthe\s)(?<!under\sthe\s)(?<!sternalis\s)muscles?\b",
}

_MEASURES = (
    r"(?:(?:is|thickness|thick|now|here)\s){0,2}(?:(?:measures|measuring|measured|thickness|of|is"
    r"|up\sto|about|approximately|at|around|reaches)[\s:]{1,2}){1,3}"
)
"""Between skin and how thick it is: up to 2 mm are normal."""
_PREDICATES = {
    "normal": rf"(?<=(?:skin|utis)\s){_MEASURES}(?:[12]|2\.\d|0?\.\d|1\.\d)\s?mm\b"
    r"|normal\b(?![- ]\w{0,12}\s?(?:parenchyma|tissue))|unremarkable\b|intact\b(?!\s(?:\w{3,10}\s)?hil)"
    r"|spared\b|preserved\b(?!\s(?:\w{3,10}\s)?hil)"
    r"|clear\b|within\snormal\slimits\b|nad\b|free\b(?!\s(?:of|from|silicone|fluid|air|edge))|uninvolved\b|normali[sz]ed\b|unaffected\b|inconspicuous\b|healthy\b|symmetric(?:al)?\b"
    r"|everted\b|even\b(?=\s(?:thickness|contour))|spar(?:es|ing)\b(?=\s(?:of\s)?(?:the\s)?(?:skin|nipple|pect|musc))|protrude\b|of\sno\s(?:concern|significance|note|importance|relevance)\b|within\slimits\b|smooth\b|conserved\b(?!\s(?:\w{3,10}\s)?hil)|maintained\b(?!\s(?:\w{3,10}\s)?hil)|freely\b|erect\b"
    r"|regular\b(?=\s?(?:[.,;)]|\Z|and\b|on\b|in\b|bilat|(?:the\s|both\s|cutaneous\s|axillary\s)?(?:skin|cutan|nipple|pector|areol|lymph|nodes?\b|musc|retro)"
    r"|(?:findings?|appearance|thickness|aspect|contours?|outlines?|profiles?|shape|position|morphology|form|calibre|size)\b))|unaltered\b|respected\b|respects?\b(?=\s(?:the\s)?(?:pect|musc|skin|cutis|nipple))|delicate\b|slender\b|natural\b|supple\b|(?<=skin\s)thin\b"
    r"|fine\b(?=\s?(?:[.,;)\n]|\Z))|normally\b|usual\b(?=\s(?:thickness|appearance|aspect|characteristic|shape|size|structure|position|form|profile))|physiological\b|ok\b",
    "abnormal": rf"(?<=(?:skin|utis)\s){_MEASURES}(?:[3-9]|[12]\d)(?:\.\d)?\s?mm\b"
    r"|orange[\s-]peel\b|thick\b(?=\sskin\b|\s?(?:[.,;\n)]|\Z|and\b|over\b|around\b|while\b|whereas\b|but\b))|(?<=skin\s)(?:is\s)?up\sto\s(?:[3-9]|[12]\d)"
    r"(?:\.\d)?\s?mm\sthick\b|abnormalit(?:y|ies)\b|increased\b(?=(?:\s[a-z]{2,15}){0,4}\sskin\sthickness)|increase\b(?=\s(?:in|of)\s(?:the\s)?(?:skin|cutaneous)\sthickness)|(?<=skin\sthickness\s)"
    r"(?:is\s)?increased\b|thicken\w{0,3}\b|retract\w{0,4}\b|o?edema(?:tous)?\b|dimpl\w{1,3}\b"
    r"|inva(?:sion|ded|ding|des?)\b|involv\w{1,6}\b|inver(?:[st]ion|ted)\b|ulcerat\w{1,3}\b|tether\w{0,3}\b"
    r"|pucker\w{0,3}\b|infiltrat\w{1,4}\b|discharge\b|peau\b|erythema\b|(?<=skin\s)(?:(?:is|looks|appears)\s)?(?:red|reddened|inflamed)\b|excoriat\w{1,3}\b|changes?\b"
    r"|abnormal\b(?!\s(?:\w{1,15}\s){0,2}(?:mass|lesion|opacit|calcif|microcalc|node|lymph|adenop|densit|asymm))"
    r"|alterations?\b|anomal(?:y|ies)\b|deviat\w{1,4}\b|flatten\w{1,3}\b|tent(?:ed|ing)\b|(?:pulled|drawn"
    r"|sucked)(?:\sin(?:wards?)?)?\b(?!\s(?:together|towards?\s(?:one|a)\s\w+)\b)|in-?\s?draw(?:n|ing)\b|in-?\s?turned\b|turned\sin(?:wards?)?\b|inward\s(?:turning|pulling|drawing)\b|(?:broken|breaks?|broke)\sthrough\b(?=\sthe\sskin)|fungat\w{1,3}\b"
    r"|erod\w{1,3}\b(?=\s(?:the\s)?(?:skin|nipple))|(?:draws?|drawing|drags?|dragging)\b(?=\s(?:in\s|on\s)?(?:the\s)?(?:overlying\s)?(?:nipple|skin|areola))"
    r"|atrophi(?:c|ed)\b|hypoplastic\b|aplastic\b|wasted\b|wrong\swith\b|pitt(?:ed|ing)\b|(?:points?|pointing|turns?)\sinwards?\b|fixed\sto\b(?=\s(?:the\s)?(?:chest\swall\s)?(?:pect|skin|musc|nipple))|affects?\b(?=\s(?:the\s)?(?:overlying\s)?(?:nipple|skin|pect|musc))|affected\b(?=\s(?:by|too)\b|\s?(?:[.,;\n]|\Z))|attract(?:s|ed|ing|ion)\b|eczema\w{0,5}\b"
    r"|crust\w{1,3}\b|distorted\b|swelling\b|swollen\b|bulky\b|nodularity\b|(?:become|grown|got)\sthick(?:er)?\b|indent\w{2,5}\b|umbilicat\w{1,3}\b"
    r"|invaginat\w{1,4}\b|sunken\b|depress(?:ed|ion)\b|withdrawn\b|pulling(?:\sin)?\b|pulls?\b(?=\s(?:on|of|in)\b|\s(?:in\s)?(?:the\s)?(?:overlying\s)?(?:nipple|skin|areola))"
    r"|(?:at)?traction\b|obliterat\w{1,4}\b|adheren(?:t|ce)\b"
    r"|loss\sof\s(?:the\s)?(?:\w{3,15}\s)?(?:fat|tissue)(?:ty)?\splanes?\b|lost\b(?!\s(?:to|\w{2,10}\s?hil|hil|cort))"
    r"|breach\w{0,3}\b|destroyed\b|destruction\b|erosion\b|eroded\b|replaced\b(?=\sby\s(?:the\s)?(?:tumou?r|mass|growth))",
}


_OF_SKIN = (
    r"(?:skin|cutaneous|dermal)\s(?:lesion|mole|tag|nodule|n(?:a?e)v|wart|keloid|cyst|metasta|deposit|papilloma|ulcer"
    r"|haemangioma|hemangioma|neurofibroma|dimple|pucker(?!ing)|breakdown)\w{0,3}\b"
    r"|keloids?\b|moles?\b|na?ev(?:us|i)\b|neurofibromas?\b"
)
"""A lesion of the skin."""


_UNDISTORTED = (
    r"(?<!nodal\s)(?<!node\s)(?<!ductal\s)architecture\s(?:of\sthe\s(?:breasts?|glands?|parenchyma|tissue)\s)?(?:(?:is|are|appears?|remains?|looks?)\s)?(?:\w{3,12}ly\s)?"
    r"(?:preserved|undisturbed|intact|undistorted|maintained|unaltered|conserved)\b"
)
"""Nothing distorts it."""


def _groups(patterns: dict[str, str]) -> str:
    return "|".join(f"(?P<{name}>{pattern})" for name, pattern in patterns.items())


EVENTS = re.compile(
    rf"(?<![a-z0-9])(?:(?P<explained>{EXPLAINED})|(?P<skipped>"
    r"(?:calcified\s(?:or|and)\s)?non-?\s?calcified\b|mass(?:-|\s)(?:like(?!\s(?:residu|remnant|image|finding|abnormal|area|structure))|effect)\b|non-?\s?mass\b(?:[\s-]like\b)?"
    r"|(?:(?:skin|nipple|mole|naevus|nevus)\s(?:marker|fold|artefact|artifact|clip)|markers?\s(?:on|over|for|at)\s(?:\w{1,8}\s){0,2}mole)s?\b"
    r"|(?:calcification|nodule|lesion|distortion|tumou?r)-like\b|lesion\stypes?\b|types?\sof\s(?:the\s)?lesions?\b(?=\s?[:=(\[])|tumou?r\s(?:bed|board|marker\w?|stage|size)\b"
    r"|(?:lymph\s?)?nod(?:e|al)\s(?:biops|dissect|clear|sampl|excis)\w{1,6}\b)"
    rf"|(?P<of_skin>{_OF_SKIN})|(?P<undistorted>{_UNDISTORTED})"
    r"|(?P<harmless>(?:not\s|no\slonger\s|non-?)(?:\w{2,12}ly\s)?(?:enlarged|patholog\w{1,5}|suspicious|prominent|remarkable|noteworthy|conspicuous|striking|notable)\b"
    r"|(?:without|no)\s(?:(?:any|significant|suspicious|patholog\w{2,4})\s){0,2}enlargement\b)|"
    + "|".join(_groups(part) for part in (CUES, _FINDINGS, _PREDICATES, LATER_CUES))
    + ")|"
    + _groups(MARKS)
)
"""One pass over a sentence finds every finding, cue and mark in text order; the group's name says which."""

ALTERNATIVE = re.compile(r"\s?(?:(?:or|vs|versus)\b|/)")
"""Right after a doubted finding: the doubt goes on to the next one ("possible mass or asymmetry")."""

NOW_APPEARS = re.compile(
    r"\s(?:(?:now|again|today|otherwise|also|still|both|all|have|has|become|is|are|was|were|looks?|appears?|seems?)\s){1,4}"
)
"""Between "and" and what is said on of the same anatomy: "are smaller and now look normal"."""
OF_IT = re.compile(r"\s(?:it|them)\b")
"""Behind what is said of the anatomy named last: "close to the muscle but does not invade it"."""
GROUPED = re.compile(
    r"[\s,/&-]{0,3}(?:(?:and|or|nor|the|of|left|right|rt|lt|major|minor|muscles?|areolar?|complex|overlying|adjacent|both|periareolar|no|any|"
    r"axillary|underlying|sub-?cutaneous|subcutis|cellular|fatty|subcut|hypodermis|tissues?|fat|areolae?|planes?|thickness|profiles?|lines?|covering|mantle|envelope|contours?|likewise|also|as\sare"
    r"|complexes)[\s,/&-]{0,3}){0,5}"
)
"""What may stand between parts of one list of anatomy ("skin, nipple and pectoral muscle")."""

A_DIAGNOSIS = re.compile(
    r"\b(?:suggest\w{0,4}(?:\sof)?|suest|represent\w{0,3}|(?:consistent|compatible)\swith|in\s(?:keeping\swith|favou?r\sof)|favou?r\w{0,3}|"
    r"indicat\w{1,4}(?:\sof)?|point(?:s|ing)?\sto|suspicious\s(?:for|of)|concerning\sfor|typical\s(?:of|for)|characteristic\sof|due\sto|s/o)\s"
    r"(?:(?:an?|the|probably|likely|possibly|some|low|moderate|high|higher|highly|grade|risk|benign|malignant|suspicious|more)[\s-]){1,6}\Z"
)
"""Before "lesion" where it only says what other findings are a sign of: "calcifications suggest a benign lesion"."""
OF_THE_ONE_THERE = re.compile(
    r"\b(?:in|within|of|inside|around|near|beside|adjacent\sto|next\sto|accompanying|surrounding|by|from"
    r"|behind|beneath|underneath|under|underlying|underlies|underl(?:ie|ay)|deep\sto|(?:associated|in\sassociation|connected|together)\swith|at|along)\s(?:the|this|that|these|those)\s"
    r"(?:[a-z-]{3,15}\s){0,2}\Z"
    r"|\b(?:in|within|inside|around)\s(?:(?:area|region|cent(?:re|er))\sof\s)?\Z"
)
"""Before a finding that isn't denied along with what is denied of it: "no calcification in the mass"."""
EXPLAINED_BY_NOTHING = re.compile(
    r"\b(?:(?:ac)?count(?:s|ed|ing)?\sfor|explain(?:s|ed|ing)?|(?:is|are|be)\s(?:responsible\sfor|the\scause\sof)|caus(?:es?|ing)|correspond(?:s|ing)?\s(?:to|with)"
    r"|cause\s(?:of|for)|reason\sfor|explanation\s(?:of|for))\s(?:(?:the|this|that|these|those|her|his)\s)?(?:(?!palpa|felt\b|clinical|any\b)[a-z-]{3,15}\s){0,3}\Z"
)
"""Before what is there and only not explained: "no mass accounts for the adenopathy", "nothing explains it"."""
UNASSESSED = re.compile(
    r"\s(?:(?:is|are|was|were)\s)?(?:(?:cannot|can\snot|could\snot|not|(?:only\s)?(?:part(?:ial)?|incomplete|poor)ly)\s(?:be\s)?"
    r"(?:(?:[a-z]{2,12}ly|well|in\sfull)\s)?(?:assess|evaluat|includ|imag|judg|examin|cover|captur|project|comment)(?:ed|able)\b"
    r"|(?:not\s(?:completely\s|fully\s)?(?:on|in)|out\sof|outside(?:\sof)?|beyond)\sthe\s(?:image|film|field|views?|margin|edge)"
    r"|cut\soff|not\savailable\sfor)"
)
"""Behind nodes of which a report says nothing: "lymph nodes cannot be assessed"."""
GOES_AWAY = re.compile(
    rf"(?:{GOES}|(?:(?:do|does|did)\snot|no\slonger)\s(?:persist|reproduce|remain)|no\slonger\s(?:\w{{2,12}}ly\s)?{SEEN}|.{{1,30}}\sreproduced\Z|.{{0,60}}{NO_FINDING}|{EXPLAINED_AWAY})"
)
"""What one view or reader saw and another explains away."""
NOT_THE_CASE = re.compile(
    r"\b(?:not\s(?:the\scase|true|correct|so)|(?:cannot|can\snot)\s(?:be\ssaid|say)|wrong|untrue|no\s(?:evidence|sign|indication|suggestion))\sthat\s(?:the|this|these|those|it|they)\b"
)
"""Before what is said to have gone and hasn't: "it is not the case that the mass has resolved"."""
GONE_OF_THE_LAST = re.compile(
    r"[\s,]*(?:(?:which|that|it|they|this|these|both|and|but|has|have|had|is|are|was|were|been|since|now|then|later|"
    r"subsequently|completely|today|however|meanwhile|the\sfinding|the\slesion|(?:on|with|by|at|after|in)\s(?:the\s)?[a-z0-9-]{2,16}(?:\sviews?)?)[\s,]+){0,6}"
)
"""Between where a statement begins and what says that something is gone: the statement is of what was named last."""

IT_IS = re.compile(r"(?:,|\band|\bbut)\s[^,;.\n]{0,50}\b(?:it|they)\s(?:(?:has|have|had|is|are|was|were)\s)?\Z")
PREFERRED = re.compile(
    r"\b(?:rather|more\s(?:likely|probably|in\skeeping|suggestive|typical|consistent)|sooner)\b(?!\sthan\b)[^.;\n]{0,80}\s\Z"
)
"""Before "than": what follows is what the finding isn't ("rather dense tissue than a mass")."""
NO_CHANGE = re.compile(
    r"(?:no|without)\s(?:\w{3,15}\s){0,2}(?:alteration|change)s?\b(?!\s(?:since|from|in|compared|over|to|as|of)\b)"
    r"|not\s(?:changed|altered)\b"
)
"""Of anatomy that nothing else is said of: it is normal ("skin without alterations")."""
ITS_PROPERTY = re.compile(
    r"(?:'s)?[\s,]{1,2}(?:(?:with|whose|its|the|which|has|have|and|parts?|of)\s){0,3}(?:[a-z-]{3,15}\s)?"
    r"(?:margins?|borders?|contours?|outlines?|edges?|walls?|extent|cent(?:re|er)|correlates?|nature|significance|origin|cause|a?etiology|character)\s(?:which\s|that\s)?\Z"
)
"""Between a finding and what is denied of its margins."""
EXPLAINS = re.compile(rf"{NO_FINDING}|{EXPLAINED_AWAY}")
BEHIND_THE = re.compile(r"\b(?:behind|under|beneath|below|near|at|underneath)\s(?:the|this|her)\s\Z")
"""Before anatomy that is said to be abnormal, and only says where: "no mass behind the inverted nipple"."""
IF_THE = re.compile(
    r"\b(?:if|unless|should|whether)\s(?:the|this|these|those)\s(?:(?!palpa|felt\b|clinical)[a-z-]{3,15}\s){0,2}\Z"
)
"""Before what is there, though something is said to be done if it changes: "if the mass grows, biopsy"."""
ELSEWHERE = re.compile(r"\b(?:left|right|other|opposite|elsewhere)\b")
VESSELS = re.compile(r"\b(?:vessel|arter|vein)")
"""What calcifications may be in: "the calcifications represent arteries" denies none."""
KNOWN_ONE = re.compile(r"\b(?:the|this|that|known|an?)\s(?:[a-z-]{3,15}\s){0,2}\Z")
"""Before a finding that is there, though it can't be assessed."""
LIKEWISE = re.compile(r"\b(?:likewise|also|ditto|so\s(?:is|are|too)|as\s(?:is|are))\s(?:(?:is|are|the|both)\s){0,3}\Z")
"""Before anatomy of which the same is said as of that before: "skin normal, likewise the nipples"."""
UNCHANGED = re.compile(r"unchanged|stable|as\sbefore|idem|ditto")
"""Of anatomy that nothing else is said of before: nothing is wrong with it ("skin and nipples are unchanged")."""
DESCRIBING = re.compile(r"apparent|visible|palpable|evident|stable|unchanged")
WHETHER = re.compile(r"\bwhether\b")
HINDERED = re.compile(
    r"\b(?:obscured|hidden|masked|concealed|(?:poorly|partly|partially|incompletely|hardly|not\swell|not\sfully|less)\s\w{4,12})\s\Z"
)
"""Before "due to overlapping tissue": the finding is there and hard to see."""
POSTPOSED = re.compile(r"suspected|possible|probable|questioned|questionable|queried|presumed")
"""A doubt without a verb says nothing of a finding that is denied: "does not confirm the mass suspected on MRI"."""
A_TRUE_ONE = re.compile(r"\b(?:true|real|genuine|actual)\s(?:[a-z-]{3,15}\s)?\Z")
"""Before a finding that is denied: what was called one before isn't one ("an opacity rather than a true mass")."""
NOTHING_WRONG = re.compile(
    r"\s(?:(?:any|other|particular|relevant|significant|visible|noteworthy|suspicious|patholog\w{2,4}|abnormal)\s){0,3}"
    r"(?:findings?|patholog(?:y|ies)|peculiarit(?:y|ies)|particularit(?:y|ies)|features?|compromise)\b"
)
"""Behind "without", of anatomy: "skin and nipple without particularities"."""
PLACED = re.compile(
    r"\s(?:(?:directly|just|immediately)\s)?(?:over(?:lying)?|above|around|near|behind|beneath|under|covering|opposite"
    r"|next\sto|adjacent\sto"
    r"|at\sthe\slevel\sof|in\sfront\sof)\s(?:(?:the|this|that|an?|these|her)\s)?(?:[a-z-]{3,15}\s){0,2}"
)
"""Between anatomy and the finding that only says where: "the skin over the mass is thickened"."""
A_PLACE = re.compile(
    r"\b(?:behind|near|from|to|in|of|within|at|under|below|beneath|above|deep|around|into|on|over|with)\s(?:(?:the|her"
    r"|left|right|both)\s){0,2}\Z"
)
"""Before anatomy that only says where something is: "the mass behind the nipple is unchanged"."""
A_LANDMARK = re.compile(
    r"\b(?:behind|near|from|to|under|below|beneath|above|around|over)\s(?:(?:the|her|left|right|both)\s){0,2}\Z"
)
PROPERTY_OF = re.compile(
    r"\b(?:nature|origin|growth|decrease|significance|a?etiology|causes?|extent|size|depth|stability|enhancement|vascularity|uptake|margins?|borders?|contours?"
    r"|outlines?|"
    r"edges?|walls?|cent(?:re|er)s?|correlates?|correlation|equivalent|counterpart|increase|change)\s(?:of|for"
    r"|to|in)\s(?:(?:size|number|density|extent)\sof\s)?(?:(?:the|this|that|these|those|an?)\s)?"
    r"(?:(?!palpa|felt\b|clinical|suggest|indicat|impl[yi]|or\b|nor\b|and\b|no\b)[a-z-]{2,15}\s){0,3}\Z"
)
"""Before a finding of which something is denied, and not the finding: "the borders of the mass are not seen"."""
EXCEPTED = re.compile(
    r"\s(?:(?:for|the|an?|some|few|several|two|three|stable|known|scattered|isolated|single|solitary|tiny|small|obviously|"
    r"typically|definitely)\s){0,4}(?:benign|vascular|arterial|coarse|popcorn|punctate|secretory|dystrophic|rim|round|"
    r"ones?\b|those\b|that\b)[^.;,\n]{0,60}"
    r"|\s(?:for\s(?:those\s)?)?(?:in|within|along|at|around|behind|near)\s(?:the|her|his|both|a)\s[^.;,\n]{2,60}"
)
"""Behind "other than": of the kind denied, what is there after all ("no calcification other than vascular")."""

BUT_ONES = re.compile(
    r"\s(?:[a-z-]{4,12}\s)?(?:(?:benign|vascular|arterial|coarse|old)\s?(?:[.;,\n]|\Z)|[a-z-]{4,12}\sones?\b|those\b)"
)
"""Behind "but" where it means "other than": "no calcifications but vascular ones"."""

BEFORE_ANATOMY = re.compile(
    r"[\s-]{0,2}(?:(?:appearing|looking|of|on|the|left|right|to|into|in|within|through|overlying|adjacent|both|at|up|upto|"
    r"axillary|size|sized)[\s-]{1,2}){0,4}"
)
"""What may stand between a describing word and the anatomy right after it ("retraction of the nipple")."""

SKIN_ONLY = re.compile(r"dimpl|orange|pucker|erythema|peau|tether\w{2,3}\b(?!\s(?:to|of|ligament|cooper)\w{0,3}\b)")
"""What is the skin's where no anatomy is named: "dimpling at 6 o'clock"."""
NODE_DESCRIBED = re.compile(
    r"\b(?<!non-)(?<!non\s)(?<!not\s)(?:enlarged|patholog\w{1,5}|suspicious|abnormal|prominent|benign\w{0,3}|bening|metasta\w{1,4}|few|multiple|"
    r"several|two|three|small|dense|no|reactive|silicone|laden)\b(?:(?!\band\sthe\b)[^.;,:/|\n]){0,30}\Z"
)
