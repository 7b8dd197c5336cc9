"""What fields of reports are called, and what says yes and no in them: patterns to put into others."""

FINDING = (
    r"(?:(?:suspicious|dominant|enlarged|pathological|abnormal|focal|architectural|axillary|intra-?mammary|lymph|skin|nipple|"
    r"associated|any|other)\s){0,2}"
    r"(?:mass(?:es)?(?:/nodules?|/lesions?)?|(?:space-?\s?occupying|focal)\slesions?|sols?|nodules?|lesions?|lumps?|opacit(?:y|ies)|(?:micro|macro)?-?calc(?:s|ifications?)?"
    r"|asymmetr(?:y|ies)|asymmetric\sdensit(?:y|ies)|tumou?rs?|(?:(?:arch\.?|parenchymal|stromal)\s)?distortions?|(?:lymph\s?)?nodes?|lymphadenopathy|adenopathy|(?:lymphadenopath|adenopath)ies"
    r"|skin\s?(?:/|and|&|,)\s?(?:nipples?|nac)|(?:nipples?|nac)\s?(?:/|and|&|,)\s?skin|skin|nipples?|nac|mamillae?"
    r"|(?:thickening|retraction|inversion|infiltration|invasion|involvement|abnormality)\sof\s(?:the\s)?(?:overlying\s)?(?:skin|nipples?|pectoral(?:is)?(?:\smuscles?)?)"
    r"|areolae?|thickening|retraction"
    r"|(?:skin|nipples?)\s(?:changes?|inversion|dimpling|o?edema|discharge|involvement)"
    r"|pectoral(?:is)?(?:\smuscles?)?|axillae?|axillary\snodes?|lns?)"
)
OTHER = (
    r"(?:(?:breast|tissue|parenchymal|overall|final|acr|clinical|(?:right|left|rt|lt)(?:\sbreast)?)\s){0,2}"
    r"(?:density|composition|bi[\s.-]?rads(?:\scategory|\sscore)?|assessment|impressions?|conclusions?|opinion|findings?|recommendations?"
    r"|comparison|technique|indications?|history|associated\sfeatures|(?:right|left|rt|lt|both)(?:\sbreasts?)?|breast"
    r"|location|size|shape|margins?|side|quadrant|laterality)"
)
NO = r"(?:no|none|absent|nil|negative|nad|n(?!/a\b)|false|0)"
YES = r"(?:yes|present|y|true|positive|1)"
