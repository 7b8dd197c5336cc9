"""Qwen2.5-VL."""

from backbones import pinned
from backbones.miniature import MiniatureSpec
from backbones.qwen import QwenVL


class Qwen2_5VL(QwenVL):
    """What the sizes of Qwen2.5-VL share."""

    model_type = "qwen2_5_vl"

    @classmethod
    def miniature(cls) -> MiniatureSpec:
        """Return what a miniature of Qwen2.5-VL is built from."""
        from backbones.small.qwen import qwen2_5_vl

        return qwen2_5_vl(cls.end_token)


class Qwen2_5VL3B(Qwen2_5VL):
    """Qwen/Qwen2.5-VL-3B-Instruct."""

    name = "qwen2.5-vl-3b"
    configuration = name
    checkpoint = pinned.QWEN2_5_VL_3B


class Qwen2_5VL7B(Qwen2_5VL):
    """Qwen/Qwen2.5-VL-7B-Instruct."""

    name = "qwen2.5-vl-7b"
    configuration = name
    checkpoint = pinned.QWEN2_5_VL_7B
