"""A sentencepiece model in Mistral's manner, trained here: for tests to import."""

import io

from backbones.contract import PROMPTS, REPORTS


def train() -> bytes:
    """A tokenizer.model with Mistral's special tokens and byte fallback, of 400 pieces at most."""
    import sentencepiece

    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([*REPORTS * 30, *PROMPTS * 30, "[INST] [/INST]"]),
        model_writer=written,
        model_type="bpe",
        vocab_size=400,
        byte_fallback=True,
        unk_id=0,
        bos_id=1,
        eos_id=2,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return written.getvalue()
