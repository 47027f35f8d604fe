"""The programs of docs/python.md, run in their order on a tiny config."""

import re

from bad_input_world import World
from places import ROOT


def test_its_programs_run(tmp_path, monkeypatch, capsys):
    blocks = re.findall(r'```python\n(.*?)```', (ROOT / 'docs' / 'python.md').read_text(), re.S)
    assert len(blocks) == 3
    pyramid = dict(type='PyramidLaplaceLoss', loss_weight=0.01)
    changes = {'default_hooks.distill.objectives': dict(pyramid=pyramid), 'work_dir': 'trained'}
    World(tmp_path).config(changes, name='my_student.py')
    monkeypatch.chdir(tmp_path)
    scope: dict = {}
    for block in blocks:
        exec(block, scope)
    assert (tmp_path / 'trained' / 'iter_2.pth').is_file()
    assert re.search(r'^\d+\.\d\d$', capsys.readouterr().out, re.M)
    assert scope['s'].grad.abs().sum() > 0
