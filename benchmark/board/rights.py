"""What is known of the licence of the data, and of the consent of those whose data they are."""

from collections.abc import Mapping

# A folder in DMID's layout may hold other data, so what is said is said of the release.
LICENCE: Mapping[str, str] = {
    "phantom": "drawn by amrg: nobody's images, and no patient's report",
    "dmid": "DMID as released (figshare 24522883, version 2) is under CC BY 4.0 by secondary sources, while one mirror "
    "says CC BY-SA: check before you pass it on. No patient identifier stands in any of its reports",
}
"""By source of the data: licence, and whether anybody can be known from them."""
CONSENT_UNKNOWN = "consent of the patients, or its waiver, is not documented in what is known here"


def rights_of(source: str) -> str:
    """Return what is known of licence and consent, in a line."""
    if source == "phantom":
        return f"{LICENCE[source]}, so no consent is needed"
    return f"{LICENCE[source]}; {CONSENT_UNKNOWN}. Whether the folder is that release isn't known"
