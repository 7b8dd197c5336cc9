"""The tokeniser of COCO captions: Stanford's PTB tokeniser, lower case, punctuation removed."""

import subprocess
from collections.abc import Sequence

from metrics.errors import MetricUnavailable
from metrics.private import ptb_jar, ptb_punctuation
from metrics.text.java import java
from metrics.text.tied import tied
from metrics.text.whitespace import collapse_whitespace

SIGNATURE = "tok:ptb-corenlp-3.4.1|case:lower|punct:removed"
BATCH_SECONDS = 1200
"""A batch takes seconds, on a busy machine minutes: only what hangs is ended."""
CACHED_TEXTS = 100_000

_tokenized: dict[str, str] = {}


def ptb_tokenize(texts: Sequence[str]) -> list[str]:
    """Return the tokens of each text, joined by one space, in the order of `texts`.

    It is the call of `pycocoevalcap.tokenizer.ptbtokenizer` with the same jar, flags and list of punctuation,
    but for what that wrapper does not do: whitespace is collapsed first, nothing is written into the installed
    package, the process has a time limit, and as many lines must come back as went in. New texts are tokenised
    by one process a call; what was tokenised once is remembered.

    Raises:
        MetricUnavailable: no Java, or the tokeniser failed or took longer than `BATCH_SECONDS`.
    """
    normalised = [collapse_whitespace(text) for text in texts]
    new = sorted({text for text in normalised if text not in _tokenized})
    if new:
        if len(_tokenized) + len(new) > CACHED_TEXTS:
            _tokenized.clear()
            new = sorted(set(normalised))
        _tokenized.update(zip(new, _run(new), strict=True))
    return [_tokenized[text] for text in normalised]


def _run(lines: Sequence[str]) -> list[str]:
    punctuation = ptb_punctuation()
    program = [java(), "-cp", str(ptb_jar()), "edu.stanford.nlp.process.PTBTokenizer", "-preserveLines", "-lowerCase"]
    text = "".join(f"{line}\n" for line in lines)
    try:
        finished = subprocess.run(
            tied(program), input=text.encode(errors="replace"), capture_output=True, timeout=BATCH_SECONDS, check=True
        )
    except subprocess.TimeoutExpired:
        raise MetricUnavailable(
            f"the PTB tokeniser gave no answer on {len(lines)} texts in {BATCH_SECONDS} s"
        ) from None
    except (OSError, subprocess.CalledProcessError) as error:
        raise MetricUnavailable(f"the PTB tokeniser failed: {type(error).__name__}; Java: {java()}") from None
    answer = finished.stdout.decode().removesuffix("\n").split("\n")
    if len(answer) != len(lines):
        raise MetricUnavailable(f"the PTB tokeniser returned {len(answer)} lines for {len(lines)} texts")
    return [" ".join(w for w in line.rstrip().split(" ") if w not in punctuation) for line in answer]
