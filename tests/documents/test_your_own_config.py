"""The files in docs/your_own_config.md are configs, and as short as the page says."""

import re

import pytest
import torch
from families import ROOT
from mmengine.config import Config
from mmengine.registry import HOOKS, MODELS, DefaultScope

PAGE = (ROOT / 'docs' / 'your_own_config.md').read_text()
FILES = dict(re.findall(r'```python\n# configs/(my_\w+)\.py\n(.*?)```', PAGE, re.S))


@pytest.fixture(params=FILES)
def config(request, tmp_path):
    path = tmp_path / f'{request.param}.py'
    path.write_text(FILES[request.param])
    return Config.fromfile(path)


def parameters(model) -> int:
    defaults = {'noise_size': model.noise_size} if 'noise_size' in model else {}
    with torch.device('meta'), DefaultScope.overwrite_default_scope('mmagic'):
        generator = MODELS.build(model.generator, default_args=defaults)
    return sum(p.numel() for p in generator.parameters())


def test_there_are_three_of_at_most_ten_lines():
    assert len(FILES) == 3
    for text in FILES.values():
        added = text[text.index('model = ') :]
        assert len([line for line in added.splitlines() if line.strip()]) <= 10


def test_the_student_has_the_size_that_the_page_says(config):
    sizes = [parameters(model) / 1e6 for model in (config.default_hooks.distill.teacher.model, config.model)]
    assert '{:.1f} M parameters into {:.1f} M'.format(*sizes) in PAGE


def test_the_hook_can_be_built(config):
    with DefaultScope.overwrite_default_scope('mmagic'):
        HOOKS.build(config.default_hooks.distill)
