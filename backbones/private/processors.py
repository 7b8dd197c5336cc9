"""transformers' processors without the parts that images and text don't need: video and sound."""

import inspect
from functools import cache
from typing import Any

from transformers.processing_utils import ProcessorMixin

SPARED = ("video_processor", "feature_extractor", "audio_processor")
"""Parts of a processor that read video (with torchvision) or sound, and that no mammogram goes through."""


class _SparedPart:
    """Stands where a part would: false, and every setting of it None, for processors that look one up beforehand."""

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)

    def __bool__(self) -> bool:
        return False


SPARED_PART = _SparedPart()


@cache
def images_and_text(processor_class: type[ProcessorMixin]) -> type[ProcessorMixin]:
    """Return a processor class that has an image processor and a tokenizer alone; itself where it has no more.

    transformers reads a processor's parts off the signature of its `__init__`, so that a subclass whose signature
    leaves a part out is loaded, saved and called without it.
    """
    signature = inspect.signature(processor_class.__init__)
    spared = [name for name in signature.parameters if name in SPARED]
    if not spared:
        return processor_class
    every = processor_class.get_attributes()

    class WithoutSpared(ProcessorMixin):
        """Stands between the class and `ProcessorMixin`, and passes on what is left."""

        def __init__(self, *parts: Any, **settings: Any) -> None:
            settings |= dict(zip(every, parts, strict=False))
            for name in spared:
                settings.pop(name, None)
                setattr(self, name, SPARED_PART)
            super().__init__(**settings)

        @staticmethod
        def validate_init_kwargs(processor_config: Any, valid_kwargs: Any) -> Any:
            # Asked with the names of the code of `__init__`, and this one's code names none.
            return ProcessorMixin.validate_init_kwargs(processor_config, kept)

    def __init__(self: Any, *parts: Any, **settings: Any) -> None:
        settings |= dict(zip(kept, parts, strict=False))
        processor_class.__init__(self, **dict.fromkeys(spared, SPARED_PART), **settings)

    rest = [value for name, value in signature.parameters.items() if name not in spared]
    kept = [value.name for value in rest[1:]]
    __init__.__signature__ = signature.replace(parameters=rest)  # type: ignore[attr-defined]
    own = {"__init__": __init__, "__module__": processor_class.__module__, "__doc__": processor_class.__doc__}
    return type(processor_class.__name__, (processor_class, WithoutSpared), own)


def settings_of(processor: ProcessorMixin) -> dict[str, Any]:
    """Return the settings that a processor's `__init__` takes beside its parts, as they are in `processor`."""
    parts = {*processor.get_attributes(), "self", "args", "kwargs", "chat_template"}
    names = [name for name in inspect.signature(type(processor).__init__).parameters if name not in parts]
    return {name: getattr(processor, name) for name in names if hasattr(processor, name)}
