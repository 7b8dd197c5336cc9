"""Stand-ins for published tokenizers and processors fit the published structures."""

from pathlib import Path

import pytest

from backbones.registry import BUILT_IN, get
from backbones.stand_in import write_processor

TEXTS = ("Breast composition: scattered fibroglandular tissue. BIRADS: 2", "A round mass of 12 mm.")


ONE_A_STRUCTURE = sorted({get(name).configuration: name for name in BUILT_IN}.values())


@pytest.mark.parametrize("name", ONE_A_STRUCTURE)
def test_a_stand_in_has_as_many_tokens_as_the_published_vocabulary(name: str, tmp_path: Path) -> None:
    plugin = get(name)
    config = plugin.full_configuration()
    assert config is not None
    write_processor(plugin, config, tmp_path, TEXTS)
    processor = plugin.load_processor(tmp_path)
    assert len(processor.tokenizer) == config.get_text_config().vocab_size
    assert plugin.end_token in processor.tokenizer.get_vocab()
