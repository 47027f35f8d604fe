"""Checkpoints that are good though unusual: each layout gives exactly the weights that were put into it."""

import json
import struct

import pytest
import torch
from bad_input_world import DELETED, World, model, network, run_tool
from families import data_folder
from mmagic.registry import MODELS
from mmengine.registry import DefaultScope

from mmagic_mikd.backbones.weights import load_backbone
from mmagic_mikd.teachers import weights as reader
from mmagic_mikd.teachers.build import build_teacher
from mmagic_mikd.utils.errors import ConfigError


def other(state, factor=2.0):
    """Weights that are not those to be found."""
    return {key: factor * value for key, value in state.items()}


def under(prefix, state):
    return {f'{prefix}{key}': value for key, value in state.items()}


def compiled_within(state):
    return {key.replace('body.', 'body._orig_mod.'): value for key, value in state.items()}


# what a trainer writes of weights `s`; one that has others beside them has the right ones first
LAYOUTS = {
    'bare': lambda s: s,
    'state_dict': lambda s: dict(state_dict=s, meta={}),
    'of the toolbox': lambda s: dict(state_dict=under('generator.', s), meta={}),
    'params': lambda s: dict(params=s),
    'params_ema': lambda s: dict(params_ema=s),
    'params_ema beside params': lambda s: dict(params=other(s), params_ema=s),
    'g_ema beside g and d': lambda s: dict(g=other(s), g_ema=s, d=dict(w=torch.ones(1)), args=dict(size=8)),
    'ema': lambda s: dict(model=other(s), ema=s, step=3),
    'model with optimizer': lambda s: dict(model=s, optimizer=dict(state={}, param_groups=[]), epoch=3),
    'netG': lambda s: dict(netG=s, netD=dict(w=torch.ones(1))),
    'netG. in state_dict': lambda s: dict(state_dict=under('netG.', s)),
    'module. bare': lambda s: under('module.', s),
    'module. in state_dict': lambda s: dict(state_dict=under('module.generator.', s)),
    'of torch.compile': lambda s: under('_orig_mod.', s),
    'of torch.compile in DataParallel': lambda s: dict(model=under('module._orig_mod.', s)),
    'of a compiled part': compiled_within,
    'of Lightning': lambda s: {
        'state_dict': under('model.net.', s) | {'loss.weight': torch.ones(1)},
        'pytorch-lightning_version': '2.0',
        'optimizer_states': [],
    },
    'of Lightning with averages': lambda s: dict(
        state_dict=under('net_g.', other(s)) | under('net_g_ema.', s)
    ),
    'averages of the toolbox': lambda s: dict(
        state_dict=under('generator.', other(s)) | under('generator_ema.module.', s)
    ),
    'averages of its EMAHook': lambda s: dict(
        state_dict=under('generator.', s), ema_state_dict=under('module.generator.', other(s))
    ),
    'float16': lambda s: {key: value.half() for key, value in s.items()},
    'two equal entries': lambda s: dict(model=s, state_dict=dict(s)),
}
LEGACY = dict(_use_new_zipfile_serialization=False)


@pytest.fixture
def trained():
    with torch.random.fork_rng(), DefaultScope.overwrite_default_scope('mmagic'):
        torch.manual_seed(2)
        return {key: value.half().float() for key, value in MODELS.build(network(8)).state_dict().items()}


@pytest.fixture(autouse=True)
def mmagic_scope():
    with DefaultScope.overwrite_default_scope('mmagic'):
        yield


def teacher(path, **settings):
    return build_teacher(dict(model=model(8), checkpoint=str(path), **settings), 'generator').state_dict()


def equal(one, two):
    return one.keys() == two.keys() and all(torch.equal(one[key], two[key]) for key in one)


@pytest.mark.parametrize('layout', LAYOUTS, ids=lambda name: name.replace(' ', '-'))
def test_a_teacher_in_every_layout(tmp_path, trained, layout):
    torch.save(LAYOUTS[layout](trained), tmp_path / 'teacher.pth')
    assert equal(teacher(tmp_path / 'teacher.pth'), trained)


def save_safetensors(path, state):
    """As the package of that name writes it, which is not needed to read it."""
    described, content = {'__metadata__': {'format': 'pt'}}, b''
    for key, value in state.items():
        data = value.numpy().tobytes()
        place = [len(content), len(content) + len(data)]
        described[key] = dict(dtype='F32', shape=list(value.shape), data_offsets=place)
        content += data
    head = json.dumps(described).encode()
    path.write_bytes(struct.pack('<Q', len(head)) + head + content)


def test_a_teacher_in_safetensors_and_in_the_old_format_of_torch(tmp_path, trained):
    save_safetensors(tmp_path / 'teacher.safetensors', trained)
    torch.save(dict(state_dict=trained), tmp_path / 'old.pth', **LEGACY)
    assert equal(teacher(tmp_path / 'teacher.safetensors'), trained)
    assert equal(teacher(tmp_path / 'old.pth'), trained)


def test_averages_are_named_in_the_log_and_an_entry_can_be_chosen(tmp_path, trained, monkeypatch):
    said = []
    monkeypatch.setattr(reader, 'print_log', lambda line, **kwargs: said.append(line))
    torch.save(dict(params=other(trained), params_ema=trained), tmp_path / 'both.pth')
    teacher(tmp_path / 'both.pth')
    assert len(said) == 1 and "averaged (EMA) weights in its entry 'params_ema'" in said[0]
    assert equal(teacher(tmp_path / 'both.pth', entry='params'), other(trained))
    torch.save(dict(state_dict=under('a.', trained) | under('b.', other(trained))), tmp_path / 'two.pth')
    with pytest.raises(ConfigError, match=r"choose one by teacher.entry, 'state_dict.a', 'state_dict.b'"):
        teacher(tmp_path / 'two.pth')
    assert equal(teacher(tmp_path / 'two.pth', entry='b'), other(trained))


def test_what_comes_nearest_is_named_and_more_blocks_are_another_network(tmp_path, trained):
    deeper = {key.replace('body.0', 'body.1'): value for key, value in trained.items() if 'body.0' in key}
    torch.save(dict(params_ema=trained | deeper), tmp_path / 'deeper.pth')
    with pytest.raises(ConfigError, match=r"it has 4 more weights, the first is 'body.1.*'params_ema'"):
        teacher(tmp_path / 'deeper.pth')
    lacking = {key: value for key, value in trained.items() if key != 'body.0.conv2.bias'}
    torch.save(dict(model=lacking, ema=dict(w=torch.ones(1))), tmp_path / 'lacking.pth')
    with pytest.raises(
        ConfigError,
        match=r"1 of \d+ weights are missing.* in its entry 'model' \(the file holds model: .*ema: w",
    ):
        teacher(tmp_path / 'lacking.pth')


@pytest.mark.parametrize(
    ('file', 'blocks'), [('RealESRGAN_x4plus_anime_6B_fp16.pth', 6), ('RealESRGAN_x4plus_fp16.pth', 23)]
)
def test_the_published_real_esrgan_is_a_teacher_as_it_is(file, blocks):
    path = data_folder('weights_realesrgan') / file
    rrdb = dict(type='RRDBNet', in_channels=3, out_channels=3, num_blocks=blocks, upscale_factor=4)
    teacher = build_teacher(dict(model=dict(model(8), generator=rrdb), checkpoint=str(path)), 'generator')
    theirs = torch.load(path, weights_only=True)['params_ema']
    assert equal(teacher.state_dict(), {key: value.float() for key, value in theirs.items()})


def test_a_backbone_in_other_layouts(tmp_path):
    from mmagic_mikd.evaluation.cifar_resnet import CifarResNet

    source, target = CifarResNet(8), CifarResNet(8)
    state = source.state_dict()
    torch.save(
        dict(model=under('module.', other(state)), model_ema=under('module.', state)), tmp_path / 'b.pth'
    )
    load_backbone(target, str(tmp_path / 'b.pth'), 'key')
    assert all(map(torch.equal, target.parameters(), source.parameters()))


@pytest.mark.parametrize('layout', LAYOUTS, ids=lambda name: name.replace(' ', '-'))
def test_a_student_starts_from_every_layout(tmp_path, monkeypatch, layout):
    """At learning rate 0 its weights are still those of the file after an iteration."""
    monkeypatch.chdir(tmp_path)
    world = World(tmp_path)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        start = {k: v.half().float() for k, v in MODELS.build(network(4)).state_dict().items()}
    torch.save(LAYOUTS[layout](start), tmp_path / 'start.pth')
    changes = {
        'load_from': 'start.pth',
        'optim_wrapper.optimizer.lr': 0.0,
        'train_cfg.max_iters': 1,
        'default_hooks.checkpoint.interval': 1,
        'default_hooks.distill': DELETED,
    }
    code, stderr = run_tool('train', [world.config(changes).name])
    assert code == 0, stderr
    state = torch.load(tmp_path / 'work' / 'iter_1.pth', weights_only=True)['state_dict']
    mine = {k.removeprefix('generator.'): v for k, v in state.items() if k.startswith('generator.')}
    if layout == 'averages of the toolbox':  # which a model without averages takes as the toolbox does
        start = other(start)
    assert equal(mine, start)
