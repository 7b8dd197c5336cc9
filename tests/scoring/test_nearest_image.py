"""Retrieval by open_clip features: on images that differ plainly, and open_clip's own checkpoints."""

from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

from benchmark.data.study import Study
from benchmark.errors import UserError
from benchmark.scoring.baselines import predict
from benchmark.scoring.nearest_image import load_model

pytestmark = pytest.mark.numeric

SIDE = 112
KINDS = ("bright", "dark", "striped")


def _image(kind: str, number: int) -> np.ndarray:
    noise = np.random.default_rng([KINDS.index(kind), number]).integers(0, 40, (SIDE, SIDE))
    bases: dict[str, Any] = {"bright": 200, "dark": 20, "striped": np.arange(SIDE)[:, None] // 8 % 2 * 200}
    return (noise + bases[kind]).astype(np.uint8)


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> list[Study]:
    folder = tmp_path_factory.mktemp("images")
    studies = []
    for number in range(24):
        kind = KINDS[number % 3]
        path = folder / f"{number}.png"
        Image.fromarray(_image(kind, number)).save(path)
        studies.append(Study(f"Img{number + 1:03d}", path, f"The breast is {kind}."))
    return studies


def _load(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_the_miniature_finds_images_that_look_alike_and_is_the_same_twice(
    studies: list[Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmark.scoring.nearest_image.STEPS", 30)
    train, test = studies[:18], studies[18:]
    predictions = predict("nearest_image", train, test, images=_load)
    assert predictions == {s.id: s.report for s in test}
    assert predictions == predict("nearest_image", train, test, images=_load)


def test_the_random_numbers_of_the_caller_are_left_alone(studies: list[Study], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmark.scoring.nearest_image.STEPS", 1)
    torch.manual_seed(4)
    expected = torch.rand(3)
    torch.manual_seed(4)
    predict("nearest_image", studies[:4], studies[4:6], images=_load)
    assert torch.equal(torch.rand(3), expected)


def test_a_local_checkpoint_of_open_clip_is_loaded(studies: list[Study], tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = open_clip.create_model("ViT-S-32-alt", pretrained=None)
    checkpoint = tmp_path / "clip.pt"
    torch.save(model.state_dict(), checkpoint)
    encoder = load_model(f"ViT-S-32-alt:{checkpoint}")
    features = encoder([_image("bright", 1), _image("bright", 1), _image("striped", 2)])
    assert features.shape == (3, 256)
    assert features.norm(dim=1).tolist() == pytest.approx([1, 1, 1], abs=1e-5)
    torch.testing.assert_close(features[0], features[1])


@pytest.mark.parametrize("name", ["ViT-B-32", "NoSuchModel:tag", "ViT-B-32:no-such-tag"])
def test_a_model_that_open_clip_can_t_give_is_refused_with_what_is_expected(name: str) -> None:
    with pytest.raises(UserError, match="open_clip model"):
        load_model(name)
