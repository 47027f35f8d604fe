"""A user's error ends every tool alike: one sentence, exit code 2; and no remedy is cut off."""

import os
import runpy
import sys
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import HOOKS
from places import TOOLS as SCRIPTS
from torch import nn

from mikd import TOOLS, main
from mmagic_mikd.apps.launch.explain import explain
from mmagic_mikd.apps.launch.launch import read_config, user_errors
from mmagic_mikd.utils.errors import ConfigError

BAD = dict(
    quickstart=['--data', 'gone'],
    showcase=['--data', 'gone'],
    build_student=['gone', '--width', '0.5', '--out', 'student.py'],
    start_student=['gone', '--out', 'start.pth'],
    train=['gone'],
    distil=['gone'],
    test=['gone', 'gone.pth'],
    export=['gone', 'gone.pth', '--format', 'torch'],
    translate=['gone.onnx', 'gone', 'out.png'],
    demo=['gone'],
    plot_run=['gone'],
    complexity=['gone'],
    benchmark=['gone'],
    scaling=['gone'],
    report=['gone'],
    study=['table', 'gone'],
)
# `processes` is torchrun, whose arguments come from dist_train.sh
STARTED_BY_USERS = [path for path in sorted(SCRIPTS.rglob('*.py')) if path.stem != 'processes']


@pytest.fixture
def refused(tmp_path, monkeypatch, capsys):
    """Exit with one sentence that names what is not there: refused(main, name of the tool)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('LOCAL_RANK', '0')

    def refused(start, *arguments):
        monkeypatch.setattr(sys, 'argv', list(arguments))
        with pytest.raises(SystemExit) as stop:
            start()
        err = capsys.readouterr().err
        assert stop.value.code == 2 and err.startswith('Error: ') and err.count('\n') == 1, err
        assert not os.listdir(tmp_path)
        return err

    return refused


# `doctor` takes no argument, `mim` no name of anything
@pytest.mark.parametrize('tool', [tool for tool in TOOLS if tool not in ('doctor', 'mim')])
def test_by_the_name_of_the_tool(refused, tool):
    assert 'gone' in refused(main, 'mikd', tool, *BAD[tool])


@pytest.mark.parametrize('script', STARTED_BY_USERS, ids=lambda path: path.stem)
def test_by_its_script(refused, script):
    arguments = [str(script), *BAD[script.stem]]
    assert 'gone' in refused(lambda: runpy.run_path(str(script), run_name='__main__'), *arguments)


def test_a_tool_that_there_is_not(refused):
    assert "did you mean 'train'?" in refused(main, 'mikd', 'trian')


def test_an_interrupted_tool_says_no_more(capsys):
    with pytest.raises(SystemExit) as stop, user_errors():
        raise KeyboardInterrupt
    assert stop.value.code == 130 and capsys.readouterr().err == 'Stopped.\n'


def test_our_own_sentence_is_never_cut(capsys):
    sentence = f'key={"x" * 480} is wrong: correct it'
    with pytest.raises(SystemExit), user_errors():
        raise ConfigError(sentence)
    assert capsys.readouterr().err == f'Error: {sentence}\n'


def test_what_others_say_is_cut_and_the_remedy_stays(tmp_path):
    config = tmp_path / 'config.py'
    config.write_text(f'raise ValueError("{"x" * 1000}")\n')
    with pytest.raises(ConfigError) as error:
        read_config(str(config))
    sentence = explain(error.value)
    assert '...): correct it there' in sentence and len(sentence) < 400 + len(str(config))


def test_a_sentence_from_a_worker_arrives_whole():
    lines = (
        'Caught ConfigError in DataLoader worker process 0.',
        'Original Traceback (most recent call last):',
    )
    said = f'mmagic_mikd.utils.errors.ConfigError: {"x" * 500}', 'of two lines (ConfigError: y): repair it'
    text = '\n'.join([*lines, '  File "a"', *said])
    assert explain(ConfigError(text)) == f'{"x" * 500} of two lines (ConfigError: y): repair it'


@pytest.mark.parametrize(
    ('value', 'shown'), [('1', True), ('yes', True), ('0', False), ('', False), ('off', False)]
)
def test_the_traceback_is_shown_to_who_asks_for_it(monkeypatch, value, shown):
    monkeypatch.setenv('MIKD_TRACEBACK', value)
    assert (explain(ConfigError('key=1 is wrong')) is None) == shown


def test_no_argument_steers_the_terminal(tmp_path, monkeypatch, capsys):
    """What argparse says of an argument, and what we say of a path."""
    monkeypatch.chdir(tmp_path)
    for arguments in (
        ['train', 'a.py', 'b\x1b[2J'],
        ['train', 'a\x1b[2J.py'],
        ['quickstart', '--data', 'a\x1b'],
    ):
        monkeypatch.setattr(sys, 'argv', ['mmagic_mikd', *arguments])
        with pytest.raises(SystemExit):
            main()
        captured = capsys.readouterr()
        assert '\x1b' not in captured.err + captured.out and '\\x1b' in captured.err


def test_tuples_are_no_payload(tmp_path):
    """MMEngine writes them itself."""
    from mmengine.config import Config

    Config(dict(betas=(0.0, 0.999), nested=[(1, (2, 3))])).dump(str(tmp_path / 'config.yaml'))
    cfg = read_config(str(tmp_path / 'config.yaml'))
    assert cfg.betas == (0.0, 0.999) and cfg.nested == [(1, (2, 3))]


def test_a_best_score_that_is_not_measured(tmp_path):
    """As in most configs of the toolbox once their evaluator, which downloads, is replaced."""
    from mmengine.hooks import CheckpointHook

    hook = CheckpointHook(interval=1, by_epoch=False, save_best='FID/fid', rule='less')
    runner = SimpleNamespace(iter=0, epoch=0, work_dir=str(tmp_path), logger=None)
    hook.out_dir = str(tmp_path)
    with pytest.raises(KeyError) as raised:
        hook._save_best_checkpoint(runner, {'target/psnr': 20.0, 'swd/avg': 3.0})
    sentence = explain(raised.value)
    assert sentence.startswith("default_hooks.checkpoint.save_best='FID/fid' is none of the scores of val_")
    assert 'swd/avg, target/psnr' in sentence and 'save_best=None' in sentence


class Grey(BaseModel):
    """A translation model whose generator is made for pictures of one channel."""

    def __init__(self):
        super().__init__()
        self.generators = nn.ModuleDict(dict(photo=nn.Sequential(nn.Conv2d(1, 2, 3))))

    def forward(self, inputs):
        return self.generators['photo'](inputs)


def test_a_network_that_gets_other_channels_is_named():
    with pytest.raises(RuntimeError) as caught:
        Grey()(torch.zeros(1, 3, 8, 8))
    sentence = explain(caught.value)
    assert sentence.startswith(
        "'generators.photo' of the model takes images of 1 channel(s) and is given 3: set"
    )


def built(cfg: Config) -> object:
    return HOOKS.build(cfg.exact)


def test_of_two_places_with_the_same_settings_the_one_that_says_no_more_is_named():
    cfg = Config(
        dict(
            richer=dict(type='SeededEvaluation', wrong=1, priority='LOW'),
            exact=dict(type='SeededEvaluation', wrong=1),
            other=dict(type='SeededEvaluation', wrong=2),
        )
    )
    with pytest.raises(TypeError) as caught:
        built(cfg)
    assert explain(caught.value).startswith("exact (SeededEvaluation) has no setting 'wrong'")
