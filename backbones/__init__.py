"""Vision-language backbones: one family a file, all behind `backbones.base.Backbone`."""

import logging


def _is_asked_for(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith("Failed to load CPU gemm_4bit_forward")


# On a processor with AVX-512 BF16 bitsandbytes looks for a kernel on the hub when it is imported, by peft or
# transformers, and advises to install what it lacks. No layer here takes that path (`private.quantization`).
logging.getLogger("bitsandbytes.backends.cpu.ops").addFilter(_is_asked_for)
