"""LLaVA-Med's own layout (`llava_mistral`) → transformers' (`llava`): a renaming of tensors, shard by shard.

The original's model class isn't one of transformers'. What it computes is: CLIP's image encoder, a projector of two
layers and Mistral. So nothing is recomputed: each tensor gets the name that `LlavaForConditionalGeneration` knows it
under, and embeddings and head get rows for the image token.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from platformdirs import user_cache_path
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from backbones.checkpoint import INDEX, fingerprint, read_json
from backbones.errors import UserError
from backbones.locks import making, temporary_folder
from backbones.manifest import has_manifest, unsound_since, write_manifest
from backbones.private.tokenizers import merges_by_score

ORIGINAL = "llava_mistral"
"""`model_type` of the original layout."""
RENAMED = {
    "model.vision_tower.vision_tower.vision_model.": "model.vision_tower.",
    "model.mm_projector.0.": "model.multi_modal_projector.linear_1.",
    "model.mm_projector.2.": "model.multi_modal_projector.linear_2.",
    "model.layers.": "model.language_model.layers.",
    "model.embed_tokens.": "model.language_model.embed_tokens.",
    "model.norm.": "model.language_model.norm.",
    "lm_head.": "lm_head.",
}
"""Beginnings of the original's tensor names, and what stands for them in transformers."""
GROWN = ("model.language_model.embed_tokens.weight", "lm_head.weight")
"""Tensors with a row a token."""
IMAGE_TOKEN = "<image>"
ROWS = 64
"""Rows of embeddings and head are a multiple of this."""
CLIP_HEAD = 64
"""Width of an attention head in every published CLIP (Radford et al. 2021, table 20)."""


def converted(folder: Path, *, digests: Sequence[str] | None = None) -> Path:
    """Return the folder itself, or its conversion where it has the original layout: made once, kept in amrg's cache.

    Args:
        folder: a checkpoint.
        digests: SHA-256 of each shard of the original, where they are known.

    Raises:
        UserError: what `convert` raises.
    """
    if read_json(folder / "config.json").get("model_type") != ORIGINAL:
        return folder
    named = os.environ.get("AMRG_CACHE_DIR")
    cache = Path(named) if named else user_cache_path("amrg", appauthor=False)
    target = cache / "converted" / fingerprint(folder)[:32]
    with making(target):
        # One of an earlier version has no manifest; it is taken for what it was.
        if (target / "config.json").is_file() and not has_manifest(target):
            write_manifest(target)
        if target.is_dir() and not unsound_since(target):
            return target
        return convert(folder, target, digests=digests)


def convert(source: Path, target: Path, *, digests: Sequence[str] | None = None) -> Path:
    """Write the checkpoint of `source` in transformers' layout to `target`, which appears whole or not at all.

    Names and shapes of all tensors are compared with the model's before anything is written. One shard is in memory
    at a time.

    Args:
        source: a folder in the original layout: config.json, safetensors, tokenizer.model.
        target: a new folder.
        digests: SHA-256 of each shard in the order of their names, where they are known.

    Raises:
        UserError: a shard isn't the published one, or a tensor is left over, missing or of another shape.
    """
    shards = sorted(source.glob("*.safetensors"))
    if not shards:
        raise UserError(f"{source}: no weights in safetensors format to convert.")
    if digests is not None:
        verify(shards, digests)
    places = {name: shard for shard in shards for name in _names(shard)}
    tokenizer = read_tokenizer(source)
    config = configuration(read_json(source / "config.json"), _shapes(places), tokenizer)
    _check(source, config, _shapes(places))
    temporary = temporary_folder(target)
    try:
        for shard in shards:
            with safe_open(shard, framework="pt") as file:
                tensors = {renamed(name): file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            rows = config.get_text_config().vocab_size
            tensors |= {name: grown(tensors[name], rows) for name in GROWN if name in tensors}
            save_file(tensors, temporary / shard.name, metadata={"format": "pt"})
        _write_index(temporary, places)
        config.save_pretrained(temporary)
        _processor(config, tokenizer).save_pretrained(temporary)
        write_manifest(temporary)
        if target.exists():
            shutil.rmtree(target)
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def verify(shards: Sequence[Path], digests: Sequence[str]) -> None:
    """Compare shards with the published ones, in the order of their names.

    Raises:
        UserError: another number of shards, or every shard whose SHA-256 is another.
    """
    if len(shards) != len(digests):
        raise UserError(f"{shards[0].parent}: {len(shards)} shards, but {len(digests)} were published.")
    wrong = []
    for shard, expected in zip(shards, digests, strict=True):
        with shard.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != expected:
            wrong.append(f"{shard}: SHA-256 is {digest}, but {expected} was published.")
    if wrong:
        raise UserError("\n".join([*wrong, "Remove what is named here and fetch it again."]))


def renamed(name: str) -> str:
    """Return transformers' name of one of the original's tensors; other names stay, and are found to be left over."""
    for beginning, new in RENAMED.items():
        if name.startswith(beginning):
            return new + name.removeprefix(beginning)
    return name


def grown(rows: Tensor, count: int) -> Tensor:
    """Return rows [tokens, width] grown to [count, width]; each new row is the mean of the old ones.

    In the head that makes a new token's logit the mean of all logits, so greedy decoding never chooses it.
    """
    mean = rows.float().mean(dim=0, keepdim=True).to(rows.dtype)
    return torch.cat([rows, mean.expand(count - len(rows), -1)])


def configuration(original: Mapping[str, Any], shapes: Mapping[str, Sequence[int]], tokenizer: Any) -> Any:
    """Return transformers' configuration, from the original's and from the shapes of the vision encoder's tensors.

    Raises:
        UserError: a value or tensor that it is made from is missing.
    """
    from transformers import LlavaConfig

    tower = "model.vision_tower."
    try:
        width = shapes[f"{tower}embeddings.class_embedding"][0]
        patch = shapes[f"{tower}embeddings.patch_embedding.weight"][-1]
        positions = shapes[f"{tower}embeddings.position_embedding.weight"][0]
        wide = shapes[f"{tower}encoder.layers.0.mlp.fc1.weight"][0]
        copied = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads")
        text = {key: original[key] for key in copied}
        layer = original["mm_vision_select_layer"]
    except KeyError as error:
        raise UserError(f"LLaVA-Med's original layout is expected, but {error} is missing from it.") from error
    optional = ("rms_norm_eps", "rope_theta", "max_position_embeddings", "sliding_window", "hidden_act")
    text |= {key: original[key] for key in optional if key in original}
    rows = -(-len(tokenizer) // ROWS) * ROWS
    return LlavaConfig(
        text_config={
            **text,
            "model_type": "mistral",
            "vocab_size": rows,
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
        },
        vision_config={
            "model_type": "clip_vision_model",
            "hidden_size": width,
            "intermediate_size": wide,
            "num_attention_heads": width // CLIP_HEAD,
            "num_hidden_layers": 1 + max(int(n.split(".")[4]) for n in shapes if n.startswith(f"{tower}encoder.")),
            "patch_size": patch,
            "image_size": patch * round((positions - 1) ** 0.5),
        },
        image_token_index=tokenizer.convert_tokens_to_ids(IMAGE_TOKEN),
        vision_feature_layer=layer,
        vision_feature_select_strategy="default",
        image_seq_length=positions - 1,
        tie_word_embeddings=False,
        dtype="bfloat16",
    )


def read_tokenizer(source: Path) -> Any:
    """Read the original's sentencepiece tokenizer with the image token added at its end.

    Merges are ordered by the pieces' scores, as sentencepiece orders them. `LlamaTokenizer.from_pretrained` orders
    them by id (transformers 5.23), which splits runs of spaces otherwise.

    Raises:
        UserError: its file is missing.
    """
    import sentencepiece
    from transformers import LlamaTokenizer

    if not (source / "tokenizer.model").is_file():
        raise UserError(f"{source}: tokenizer.model is missing. Fetch the checkpoint again.")
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(source / "tokenizer.model"))
    vocabulary = {pieces.id_to_piece(number): number for number in range(pieces.vocab_size())}
    scores = {piece: pieces.get_score(number) for piece, number in vocabulary.items()}
    merges = merges_by_score(vocabulary, scores)
    # The original tokenises the texts before and after the image apart, each as a text's beginning: `legacy` does.
    tokenizer = LlamaTokenizer(vocab=vocabulary, merges=merges, legacy=True)
    tokenizer.init_kwargs["legacy"] = True  # or it would be lost on saving
    tokenizer.add_tokens([IMAGE_TOKEN], special_tokens=True)
    return tokenizer


def _processor(config: Any, tokenizer: Any) -> Any:
    from transformers import CLIPImageProcessorPil, LlavaProcessor

    side = config.vision_config.image_size
    return LlavaProcessor(
        CLIPImageProcessorPil(size={"shortest_edge": side}, crop_size={"height": side, "width": side}),
        tokenizer,
        patch_size=config.vision_config.patch_size,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    )


def _names(shard: Path) -> list[str]:
    with safe_open(shard, framework="pt") as file:
        return list(file.keys())


def _shapes(places: Mapping[str, Path]) -> dict[str, list[int]]:
    """Return shapes by transformers' names, from the headers alone."""
    shapes: dict[str, list[int]] = {}
    for shard in sorted(set(places.values())):
        with safe_open(shard, framework="pt") as file:
            shapes |= {renamed(name): file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
    return shapes


def _check(source: Path, config: Any, shapes: Mapping[str, Sequence[int]]) -> None:
    from transformers import LlavaForConditionalGeneration

    with torch.device("meta"):
        model = LlavaForConditionalGeneration(config)
    expected = {name: list(tensor.shape) for name, tensor in model.state_dict().items()}
    stored = {name: list(shape) for name, shape in shapes.items()}
    for name in GROWN:
        if name in stored and stored[name][0] <= expected[name][0]:
            stored[name] = [expected[name][0], *stored[name][1:]]
    wrong = [
        *_listed("left over", stored.keys() - expected.keys()),
        *_listed("missing", expected.keys() - stored.keys()),
        *_listed("of another shape", (n for n in stored.keys() & expected.keys() if stored[n] != expected[n])),
    ]
    if wrong:
        raise UserError(f"{source}: not LLaVA-Med's tensors: {'; '.join(wrong)}. Fetch the checkpoint again.")


def _listed(what: str, names: Iterable[str]) -> list[str]:
    ordered = sorted(names)
    more = f" and {len(ordered) - 5} more" if len(ordered) > 5 else ""
    return [f"{what}: {', '.join(ordered[:5])}{more}"] if ordered else []


def _write_index(folder: Path, places: Mapping[str, Path]) -> None:
    total = sum(shard.stat().st_size for shard in folder.glob("*.safetensors"))
    index = {
        "metadata": {"total_size": total},
        "weight_map": {renamed(name): shard.name for name, shard in sorted(places.items())},
    }
    (folder / INDEX).write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
