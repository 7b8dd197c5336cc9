"""Qwen3-VL: further features of earlier vision layers are added to the decoder's first layers (DeepStack)."""

from backbones import pinned
from backbones.deepstack import DeepStack
from backbones.miniature import MiniatureSpec
from backbones.qwen import QwenVL


class Qwen3VL(DeepStack, QwenVL):
    """What the sizes share."""

    model_type = "qwen3_vl"

    @classmethod
    def miniature(cls) -> MiniatureSpec:
        """Return what a miniature of Qwen3-VL is built from."""
        from backbones.small.qwen import qwen3_vl

        return qwen3_vl(cls.end_token)


class Qwen3VL4B(Qwen3VL):
    """Qwen/Qwen3-VL-4B-Instruct."""

    name = "qwen3-vl-4b"
    configuration = name
    checkpoint = pinned.QWEN3_VL_4B


class Qwen3VL8B(Qwen3VL):
    """Qwen/Qwen3-VL-8B-Instruct."""

    name = "qwen3-vl-8b"
    configuration = name
    checkpoint = pinned.QWEN3_VL_8B
