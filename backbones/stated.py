"""What a plugin states, held to its checkpoint's own files: each thing that they say otherwise, with what to state.

Without this a miniature is made all the same, and fails in a model's own words, or a plan is of another model.
"""

from inspect import Parameter, signature
from typing import Any

import numpy as np

from backbones.base import Backbone
from backbones.errors import UserError, first_line
from backbones.miniature import SIDE
from backbones.private.inputs import image_features, image_parameters, parameters_of
from backbones.prompting import unasked
from backbones.reading import PROCESSOR_ERRORS, TILING, TOKEN_TYPES, TRIED_SIDES, encode


def check_statements(published: Backbone) -> list[int]:
    """Hold a plugin to its files; return ids of the prompt without words behind a blank picture.

    Args:
        published: with the checkpoint's processor, and its model without numbers.

    Raises:
        UserError: says what to state.
    """
    prompt = _prompt(published)
    _check_numbers(published, prompt)
    _check_pictures(published)
    _check_template(published)
    _check_inputs(published)
    return prompt


def check_features(small: Backbone) -> None:
    """Refuse a plugin that takes image features in another form than its model's encoder gives them in.

    Args:
        small: with a small model of the checkpoint's classes, numbers and all.

    Raises:
        UserError: says what to state.
    """
    own = type(small)
    if own.encoder_output is not Backbone.encoder_output or own.features_of is not Backbone.features_of:
        return
    inputs = small.feature_inputs([np.zeros((SIDE, SIDE), np.uint8)])
    pooled: Any = image_features(small.model, inputs)["pooler_output"]
    if isinstance(pooled, list | tuple):
        if small.stacked_features and not small.scattered_features:
            raise UserError(
                f"{small.name}: its model gives an image's features as one tensor an image. State "
                "`stacked_features = False` in its plugin."
            )
    elif pooled.ndim == 2:
        raise UserError(
            f"{small.name}: its model gives the features of all images in one row. Have `features_of` and "
            "`encoder_output` of its plugin divide and join them: see backbones/base.py."
        )


def _check_inputs(published: Backbone) -> None:
    """Refuse a plugin that leaves out what the model takes of the processor beside tokens and pixels.

    Raises:
        UserError: says what to state.
    """
    from PIL import Image

    side = published.checkpoint.image_size
    switches = dict.fromkeys(published.switched_off, False)
    encoded = encode(published.processor, Image.new("RGB", (side, side)), published.prompt_text(""), switches)
    taken = parameters_of(published.model.forward)
    types = [name for name in TOKEN_TYPES if name in taken and name in encoded and np.any(np.asarray(encoded[name]))]
    if types and published.token_types is None:
        raise UserError(
            f"{published.name}: its model is told an image's tokens from text. State `token_types = {types[0]!r}`, and "
            "`token_type_ids` where they say more than that."
        )
    model: Any = published.model
    own = signature(getattr(getattr(model, "model", None), "get_image_features", model.get_image_features)).parameters
    beside = [
        name
        for name in encoded
        if name in taken & image_parameters(model)
        and name != "pixel_values"
        # Of a picture that is seen whole a mask hides nothing.
        and not (name.endswith("attention_mask") and name in own and own[name].default is not Parameter.empty)
    ]
    # A plugin with a way of its own to make model inputs states none, and is believed.
    stated = getattr(published, "image_inputs", None)
    if (missing := [name for name in beside if name not in (stated or ())]) and (
        type(published).model_inputs is Backbone.model_inputs or stated is not None
    ):
        raise UserError(
            f"{published.name}: its model takes {', '.join(missing)} of an image beside its pixels. Derive the plugin "
            f"from backbones.beside.Beside, and state `image_inputs = {tuple(beside)!r}`."
        )


def _prompt(published: Backbone) -> list[int]:
    """Return ids of the prompt without words behind a blank picture.

    Raises:
        UserError: the plugin's processor and its prompt don't go together.
    """
    try:
        return published.prompt_tokens("")
    except PROCESSOR_ERRORS as error:
        raise UserError(
            f"{published.name}: its processor makes nothing of a blank picture and the prompt "
            f"{published.prompt_text('')!r} ({type(error).__name__}: {first_line(error)}). See `prompt_text` and "
            "`load_processor` of its plugin."
        ) from error


def _check_numbers(published: Backbone, prompt: list[int]) -> None:
    """Refuse numbers of a plugin that its checkpoint's own files say otherwise: plans would be of another model.

    Raises:
        UserError: names each with what the files say.
    """
    stated = published.checkpoint
    places = prompt.count(published.image_token)
    if places == 0:
        raise UserError(
            f"{published.name}: the prompt holds no image token (id {published.image_token} of its configuration). Its "
            "plugin's `prompt_text`, or its chat template, puts no image in."
        )
    parameters = sum(parameter.numel() for parameter in published.model.parameters())
    wrong = [
        f"{name}={told:_} where its files say {name}={found:_}"
        for name, told, found in (
            ("image_tokens", stated.image_tokens, places),
            ("parameters", stated.parameters, parameters),
        )
        if told != found
    ]
    if wrong:
        raise UserError(f"{published.name}: its plugin's checkpoint states {', and '.join(wrong)}. State what they do.")


def _check_pictures(published: Backbone) -> None:
    """Refuse a processor that makes more of a larger picture: features have to be as many as the prompt has places.

    Raises:
        UserError: says which switches are to be off, or what to do.
    """
    made = {side: _made_of(published, side) for side in TRIED_SIDES}
    pixels_vary, tokens_vary = (len({one[place] for one in made.values()}) > 1 for place in (1, 0))
    images = published.processor.image_processor
    switches = [name for name in TILING if hasattr(images, name) and name not in published.switched_off]
    if not pixels_vary and not (tokens_vary and switches):
        return
    told = ", ".join(f"{side} px: {tokens} tokens, pixels {shape}" for side, (tokens, shape) in made.items())
    listed = "".join(f"{name!r}, " for name in switches)[:-1]
    what = f"`switched_off = ({listed})`, so that it sees a picture whole" if switches else "`resized = True`"
    raise UserError(
        f"{published.name}: its processor makes more of a larger picture ({told}), so that an image's tokens would "
        f"vary with the picture. State {what}: see backbones/base.py."
    )


def _made_of(published: Backbone, side: int) -> tuple[int, str]:
    """Return how many image tokens a prompt behind a blank square has, and the shape of the square's pixels."""
    from PIL import Image

    pixels = published.pixel_inputs([np.zeros((side, side), np.uint8)])["pixel_values"]
    whole: Any = dict.fromkeys(published.switched_off, False)
    processor: Any = published.processor
    blank, text = Image.new("RGB", (side, side)), published.prompt_text("")
    encoded = processor(images=[[blank]], text=[text], add_special_tokens=False, **whole)
    tokens = [int(i) for i in encoded["input_ids"][0]].count(published.image_token)
    return tokens, " × ".join(map(str, np.shape(pixels)))


def _check_template(published: Backbone) -> None:
    """Refuse a chat template that doesn't begin the answer, where a plugin leaves prompts to it alone.

    Raises:
        UserError: says what the template writes before an answer.
    """
    if type(published).prompt_text is not Backbone.prompt_text:
        return
    if before := unasked(published.processor, published.name):
        raise UserError(
            f"{published.name}: its chat template has no generation prompt; before a finished answer it writes "
            f"{before!r}. Have `prompt_text` put that behind `chat_prompt(prompt)`."
        )
