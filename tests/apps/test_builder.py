"""From a teacher config and a size to a student config: what is written, how big it is, that it distils."""

import argparse
import re
import sys

import pytest
from bad_input_world import World, model, run_tool
from families import ROOT, common, data_folder, load, save_teacher, train
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope

from mikd.arguments.build_student import parse_amount, parse_milliseconds
from mmagic_mikd.apps.builder import build_student
from mmagic_mikd.apps.builder.advice import ADVICE, advice
from mmagic_mikd.apps.builder.budget import (
    Budget,
    Sizes,
    amount,
    widest_within,
)
from mmagic_mikd.apps.builder.widths import NARROW_TYPES, WIDTH_KEYS, Narrowing
from mmagic_mikd.engine.settings import Settings, read
from mmagic_mikd.utils.errors import ConfigError

FACADES = 'mmagic::pix2pix/pix2pix_vanilla-unet-bn_1xb1-80kiters_facades.py'
CYCLEGAN = 'mmagic::cyclegan/cyclegan_lsgan-resnet-in_1xb1-270kiters_horse2zebra.py'
STYLEGAN2 = 'mmagic::styleganv2/stylegan2_c2_8xb4-800kiters_ffhq-256x256.py'
EDSR = 'mmagic::edsr/edsr_x4c64b16_1xb16-300k_div2k.py'
SRGAN = 'mmagic::srgan_resnet/srgan_x4c64b16_1xb16-1000k_div2k.py'
RDN = 'mmagic::rdn/rdn_x4c64b16_1xb16-1000k_div2k.py'
ESRGAN = 'mmagic::esrgan/esrgan_x4c64b23g32_1xb16-400k_div2k.py'
DCGAN = 'mmagic::dcgan/dcgan_1xb128-300kiters_celeba-cropped-64.py'
MNIST = 'mmagic::dcgan/dcgan_Glr4e-4_Dlr1e-4_1xb128-5kiters_mnist-64x64.py'
NAFNET = 'mmagic::nafnet/nafnet_c64eb11128mb1db1111_8xb8-lr1e-3-400k_gopro.py'
SWINIR = 'mmagic::swinir/swinir_x4s48w8d6e180_8xb4-lr2e-4-500k_div2k.py'


@pytest.fixture(scope='module', autouse=True)
def mmagic():
    from mmagic.utils import register_all_modules

    register_all_modules()


@pytest.fixture
def build(monkeypatch, tmp_path, capsys):
    """Run the tool; gives the written config, or the error that was printed."""

    def run(teacher, *arguments, name='student.py'):
        out = tmp_path / name
        monkeypatch.setattr(sys, 'argv', ['build_student.py', str(teacher), *arguments, '--out', str(out)])
        try:
            build_student.main()
        except SystemExit:
            return capsys.readouterr().err
        return Config.fromfile(out)

    return run


@pytest.fixture
def variant(tmp_path):
    """A teacher config of the user's own, which inherits one of the toolbox."""

    def write(base, text):
        path = tmp_path / 'teacher.py'
        path.write_text(f'_base_ = [{base!r}]\n{text}\n')
        return path

    return write


def trained(cfg: Config) -> Settings:
    """What the hook makes of the config, recipe included."""
    distill = cfg.default_hooks.distill.to_dict()
    assert distill.pop('type') == 'DistillRunner'
    return read(distill)


def params(model: dict, **changes) -> int:
    defaults = {'noise_size': model['noise_size']} if model.get('noise_size') else {}
    with DefaultScope.overwrite_default_scope('mmagic'):
        network = MODELS.build({**model['generator'], **changes}, default_args=defaults)
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(
    ('base', 'smaller', 'budget'),
    [
        (FACADES, dict(base_channels=32), '3.4M'),
        (CYCLEGAN, dict(num_blocks=2), '300k'),
        (STYLEGAN2, dict(out_size=32), '5M'),
        (EDSR, dict(num_blocks=2), '100k'),
        (SRGAN, dict(num_blocks=2), '100k'),
        (RDN, dict(num_blocks=2, num_layers=3), '200k'),
        (ESRGAN, dict(num_blocks=1), '200k'),
        (DCGAN, dict(base_channels=256), '500k'),
        (NAFNET, dict(mid_channels=16, enc_blk_nums=[1, 1], dec_blk_nums=[1, 1]), '20k'),
    ],
)
def test_the_student_is_the_widest_that_its_budget_allows(build, variant, base, smaller, budget):
    teacher = variant(base, f'model = dict(generator={smaller!r})')
    cfg, plain = build(teacher, '--params', budget), Config.fromfile(teacher)
    narrowing = Narrowing(plain.model.generator)
    width = cfg.model.generator[narrowing.key]
    assert params(cfg.model) <= 1.01 * parse_amount(budget)
    wider = narrowing.changes(width + narrowing.widths.step)
    assert params(cfg.model, **wider) > 1.01 * parse_amount(budget)
    # everything else is the teacher's
    teacher_cfg = cfg.default_hooks.distill.teacher
    assert teacher_cfg.model.to_dict() == plain.model.to_dict()
    assert teacher_cfg.checkpoint.endswith(f'/iter_{plain.train_cfg.max_iters}.pth')
    assert params(teacher_cfg.model) == params(plain.model)
    assert {**plain.model.generator, **narrowing.changes(width)} == cfg.model.generator.to_dict()
    assert cfg.model.discriminator == plain.model.discriminator if 'discriminator' in plain.model else True
    assert cfg.train_dataloader == plain.train_dataloader


def test_published_sizes_give_the_published_student(build, tmp_path):
    """OMGD's U-Net: 3.404 M, 1.219 G as papers count, 0.406 G in truth. The file says so."""
    for size in (('--params', '3.4M'), ('--macs', '1.219G', '--convention', 'paper'), ('--macs', '0.406G')):
        cfg = build(FACADES, *size, name=f'{size[0]}{len(size)}.py')
        assert cfg.model.generator.base_channels == 16
        assert cfg.default_hooks.distill.type == 'DistillRunner'
        assert cfg.default_hooks.distill.start == 'sliced'
        assert cfg.default_hooks.distill.recipe == 'pyramid'
    text = (tmp_path / '--params2.py').read_text()
    assert len(text.splitlines()) <= 25
    assert 'model = dict(generator=dict(base_channels=16))' in text
    assert 'model=_base_.model' in text and '#     mikd train ' in text
    for number in ('54.41 M', '3.404 M', '18.14 G', '1.219 G', '--params 3.4M'):
        assert number in text
    # as docs/students.md shows it
    shown = (ROOT / 'docs' / 'students.md').read_text().split('model = dict(generator')[1].split('```')[0]
    assert shown in text


def test_the_published_share_of_stylegan2(build):
    cfg = build(STYLEGAN2, '--width', '0.3')
    assert (cfg.model.generator.type, cfg.model.generator.width) == ('NarrowStyleGAN2Generator', 154)
    # so that it mixes styles, and at the student's cut
    assert cfg.default_hooks.distill.teacher.mode == 'train'
    assert cfg.default_hooks.distill.recipe == 'sliced_pyramid_early'
    assert trained(cfg).start == {'': 'sliced'}
    narrower = build(STYLEGAN2, '--width', '0.1', name='narrower.py')
    assert trained(narrower).start == {'': 'own', 'style_mapping': 'inherited'}


SLICED = {'': 'sliced'}


@pytest.mark.parametrize(
    ('teacher', 'width', 'weight', 'start', 'comment'),
    [
        (FACADES, 0.25, 15, SLICED, None),
        (CYCLEGAN, 0.25, 5, SLICED, None),
        (EDSR, 0.25, 0.01, SLICED, None),
        (EDSR, 0.2, 0.01, {}, None),
        (SRGAN, 0.25, 0.0001, SLICED, 'no study had a discriminator'),  # its pixel loss has a weight of 0.01
        (RDN, 0.5, 0.01, SLICED, 'no study had a RDNNet: .* helped EDSR'),
        (ESRGAN, 0.5, 0.0001, SLICED, 'no study had a RRDBNet: .* helped EDSR'),
        (NAFNET, 0.5, 1, SLICED, 'no study had a NAFNetLocal: .* helped EDSR'),  # beside PSNRLoss
        (DCGAN, 0.25, 2, SLICED, 'no study had a DCGANGenerator: .* helped StyleGAN2'),
        (DCGAN, 0.1, 2, {'': 'own'}, 'no study had a DCGANGenerator: .* helped StyleGAN2'),
    ],
)
def test_what_the_studies_found_to_help_is_written_down(
    build, tmp_path, teacher, width, weight, start, comment
):
    settings = trained(build(teacher, '--width', str(width)))
    assert settings.start == start and settings.objectives.keys() == {'pyramid'}
    assert settings.objectives['pyramid']['loss_weight'] == pytest.approx(weight)
    written = re.findall('^# (no study.*)$', (tmp_path / 'student.py').read_text(), re.I | re.M)
    assert len(written) == bool(comment) and re.match(comment or '', ''.join(written), re.I)


def test_every_generator_of_the_builder_is_advised():
    assert ADVICE.keys() == WIDTH_KEYS.keys()


# but for Real-ESRGAN, whose students have no loss of their own that a weight could stand beside
@pytest.mark.parametrize(
    'path',
    sorted({*ROOT.glob('configs/mikd_*.py')} - {ROOT / 'configs' / 'mikd_real_esrgan.py'}),
    ids=lambda path: path.stem,
)
def test_the_shipped_configs_follow_the_same_advice(path):
    cfg = Config.fromfile(path)
    model = cfg.default_hooks.distill.teacher.model
    kind = NARROW_TYPES.get(model.generator.type, model.generator.type)
    key = WIDTH_KEYS[kind][0]
    share = cfg.model.generator[key] / model.generator[key] if key in model.generator else 1
    ours, advised = trained(cfg), read(advice(kind, share, model))
    assert (ours.objectives, ours.start) == (advised.objectives, advised.start)


def test_macs_are_those_of_the_given_input(build, variant):
    teacher = variant(EDSR, 'model = dict(generator=dict(num_blocks=2))')
    small = build(teacher, '--macs', '0.1G', '--input-shape', '3', '24', '24', name='small.py')
    large = build(teacher, '--macs', '0.1G', '--input-shape', '3', '48', '48', name='large.py')
    assert large.model.generator.mid_channels < small.model.generator.mid_channels < 64


def test_the_teachers_run_is_not_inherited(build, variant):
    """Neither its folder, whose checkpoints would be overwritten, nor weights of its shape."""
    teacher = variant(ESRGAN, "load_from = 'x4.pth'\nmodel = dict(generator=dict(num_blocks=1))")
    cfg = build(teacher, '--width', '0.25')
    generator, distill = cfg.model.generator, cfg.default_hooks.distill
    assert (generator.mid_channels, generator.growth_channels) == (16, 8)
    assert generator.init_cfg is None
    assert distill.teacher.model.generator.init_cfg.type == 'Pretrained'
    assert cfg.load_from is None
    assert (cfg.experiment_name, cfg.work_dir) == ('student', './work_dirs/student')
    assert distill.teacher.checkpoint.startswith('work_dirs/esrgan_x4c64b23g32')


@pytest.mark.parametrize('work_dir', ['/runs/mine', './work_dirs/mine'])
def test_the_teacher_is_where_its_checkpoints_go(build, variant, work_dir):
    """`out_dir` sends them to another place than work_dir; the student's stay together."""
    cfg = build(variant(EDSR, f'work_dir = {work_dir!r}'), '--width', '0.25')
    assert cfg.default_hooks.distill.teacher.checkpoint == 'work_dirs/mine/iter_300000.pth'
    assert cfg.default_hooks.checkpoint.out_dir is None and cfg.default_hooks.checkpoint.interval == 5000


def test_a_teacher_that_is_not_there_yet_is_said_to_be(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    for name, words in (('a', 'at teacher.pth, where no file is yet; then'), ('b', 'at teacher.pth; then')):
        arguments = ['--width', '0.25', '--teacher-checkpoint', 'teacher.pth', '--out', f'{name}.py']
        monkeypatch.setattr(sys, 'argv', ['build_student.py', EDSR, *arguments])
        build_student.main()
        assert words in capsys.readouterr().out
        (tmp_path / 'teacher.pth').touch()


def test_one_channel_in_place_of_three_is_no_matter(build):
    settings = trained(build(MNIST, '--width', '0.25'))
    assert settings.objectives.keys() == {'pyramid'}


def test_a_student_may_become_a_teacher(build, variant):
    """Its own teacher gives way, and what it was trained with, in either spelling; all else stays."""
    config = ROOT / 'configs' / 'mikd_pix2pix.py'
    parent = Config.fromfile(config)
    cfg = build(config, '--width', '0.5', '--teacher-checkpoint', 'c16.pth')
    assert cfg.model.generator.base_channels == 8
    teacher = cfg.default_hooks.distill.teacher
    assert teacher.to_dict() == dict(model=parent.model.to_dict(), checkpoint='c16.pth')
    old = "layers={'': 'sliced'}, loss=dict(type='MIDistillLoss')"
    own = variant(
        str(config),
        f"default_hooks = dict(distill=dict(_delete_=True, type='DistillRunner', {old},\n"
        "    teacher=dict(type='Identity'), guard=None, frozen_statistics=0.5,\n"
        "    pairs=[dict(student='generators.photo')]))",
    )
    cfg = build(own, '--width', '0.2', '--teacher-checkpoint', 'c16.pth', name='narrower.py')
    settings = trained(cfg)
    assert settings.start == {}  # too narrow for its parent's
    assert settings.objectives.keys() == {'pyramid'}
    assert settings.guard is None and settings.pairs == [dict(student='generators.photo')]
    assert settings.frozen_statistics == 0.5


@pytest.mark.parametrize(
    ('theirs', 'written'),
    [
        ("imports=['json'], allow_failed_imports=False", ['json', 'mmagic_mikd']),
        ("imports='json'", ['json', 'mmagic_mikd']),
        ("imports=['mmagic_mikd', 'json'], allow_failed_imports=True", ['mmagic_mikd', 'json']),
    ],
)
def test_imports_of_the_users_own_are_kept(build, variant, theirs, written):
    cfg = build(variant(FACADES, f'custom_imports = dict({theirs})'), '--width', '0.25')
    assert cfg.custom_imports.imports == written
    assert cfg.custom_imports.get('allow_failed_imports', False) == ('True' in theirs)


def test_a_config_with_imports_of_its_own_and_our_base_trains(tmp_path):
    """Two bases of one config must not share a key, and ours has none that yours may have."""
    (tmp_path / 'own.py').write_text(
        f"_base_ = [{FACADES!r}]\ncustom_imports = dict(imports=['json'], allow_failed_imports=False)\n"
    )
    (tmp_path / 'student.py').write_text(
        f"_base_ = ['own.py', {str(ROOT / 'configs/_base_/mikd.py')!r}]\n"
        'default_hooks = dict(distill=dict(**_base_.distill, teacher=dict(model=_base_.model)))\n'
    )
    cfg = Config.fromfile(tmp_path / 'student.py')
    assert cfg.custom_imports.imports == ['json'] and cfg.default_hooks.distill.type == 'DistillRunner'


@pytest.mark.parametrize(
    ('broken', 'message'),
    [
        ('default_hooks = dict(\n', r'student.py cannot be read as a config \(SyntaxError'),
        ('model = dict(generator=dict(base_channels=3))\n', r'has model.generator.base_channels=3; write it'),
        ('', 'cannot be written as a config that inherits the teacher'),
    ],
)
def test_it_reads_what_it_wrote_before_it_says_so(build, tmp_path, monkeypatch, broken, message):
    monkeypatch.setattr('mmagic_mikd.apps.builder.write._hooks', lambda *args: broken)
    assert re.search(message, build(FACADES, '--width', '0.25'))
    assert not (tmp_path / 'student.py').exists()


NEW_STYLE = """
from mmagic.datasets import BasicImageDataset
from mmagic.datasets.transforms import LoadImageFromFile, PackInputs, PairedRandomCrop, SetValues
from mmagic.models.base_models import BaseEditModel
from mmagic.models.data_preprocessors import DataPreprocessor
from mmagic.models.editors.edsr.edsr_net import EDSRNet
from mmagic.models.losses import L1Loss
from mmengine.dataset import InfiniteSampler
from mmengine.hooks import CheckpointHook
from mmengine.optim import OptimWrapper
from torch.optim import Adam

default_scope = 'mmagic'
custom_imports = dict(imports=['json'], allow_failed_imports=False)
model = dict(
    type=BaseEditModel,
    generator=dict(
        type=EDSRNet, in_channels=3, out_channels=3, mid_channels=16, num_blocks=1, upscale_factor=2
    ),
    pixel_loss=dict(type=L1Loss, loss_weight=1.0, reduction='mean'),
    data_preprocessor=dict(type=DataPreprocessor, mean=[0.0] * 3, std=[255.0] * 3),
)
load = [dict(type=LoadImageFromFile, key=key, color_type='color') for key in ('img', 'gt')]
crop = dict(type=PairedRandomCrop, gt_patch_size=16)
pipeline = [*load, dict(type=SetValues, dictionary=dict(scale=2)), crop, dict(type=PackInputs)]
data = dict(img='small', gt='large')
train_dataloader = dict(
    batch_size=2, num_workers=0, sampler=dict(type=InfiniteSampler),
    dataset=dict(type=BasicImageDataset, data_root='data', data_prefix=data, pipeline=pipeline),
)
train_cfg = dict(by_epoch=False, max_iters=2)
optim_wrapper = dict(type=OptimWrapper, optimizer=dict(type=Adam, lr=1e-4))
"""


@pytest.mark.parametrize(
    'hooks',
    [
        '',
        'default_hooks = dict(timer=dict(type="IterTimerHook"))',
        'default_hooks = dict(checkpoint=dict(interval=3, out_dir="here"), timer=dict(type="IterTimerHook"))',
    ],
)
@pytest.mark.parametrize('folder', ['.', 'configs'])
def test_a_config_of_the_new_style_gives_one_of_the_new_style(build, tmp_path, hooks, folder):
    """Classes in place of names."""
    (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / folder / 'teacher.py').write_text(f'{NEW_STYLE}\n{hooks}\n')
    cfg = build(tmp_path / folder / 'teacher.py', '--width', '0.25')
    assert cfg.model.generator.mid_channels == 4 and cfg.model.generator.num_blocks == 1
    distill = cfg.default_hooks.distill
    assert distill.teacher.model.generator.mid_channels == 16
    folder = 'here' if 'out_dir' in hooks else 'work_dirs'
    assert distill.teacher.checkpoint == f'{folder}/teacher/iter_2.pth'
    assert ('timer' in cfg.default_hooks) == bool(hooks)
    assert cfg.default_hooks.get('checkpoint') in (None, dict(interval=3, out_dir=None))
    assert cfg.custom_imports == dict(imports=['json', 'mmagic_mikd'], allow_failed_imports=False)
    settings = trained(cfg)
    assert settings.start == SLICED and settings.objectives['pyramid']['loss_weight'] == 0.01
    assert params(cfg.model) < params(distill.teacher.model)
    again = build(tmp_path / 'student.py', '--width', '0.5', name='smaller.py')
    assert again.default_hooks.distill.teacher.model.generator.mid_channels == 4
    assert trained(again).start == SLICED and again.model.generator.mid_channels == 2


def test_a_student_of_the_new_style_distils(build, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('LOCAL_RANK', '0')
    World(tmp_path).save('teacher.pth', model(16))
    hooks = 'default_hooks = dict(checkpoint=dict(type=CheckpointHook, by_epoch=False, interval=2))'
    (tmp_path / 'new_teacher.py').write_text(f'{NEW_STYLE}\n{hooks}\n')
    build('new_teacher.py', '--width', '0.25', '--teacher-checkpoint', 'teacher.pth', name='new_student.py')
    assert run_tool('train', ['new_student.py', '--work-dir', 'new', '--amp']) == (0, '')
    weights = load(tmp_path / 'new/iter_2.pth')['state_dict']
    assert weights['generator.conv_first.weight'].shape[0] == 4


def test_a_name_that_cannot_be_imported(build, tmp_path):
    (tmp_path / 'my-teacher.py').write_text(NEW_STYLE)
    assert 'give files and folders names of letters, digits and _' in build(
        tmp_path / 'my-teacher.py', '--width', '0.25'
    )


def test_classes_and_texts_name_the_same():
    from mmagic.models.editors.edsr.edsr_net import EDSRNet

    names = ['EDSRNet', 'mmagic.EDSRNet', f'{EDSRNet.__module__}.EDSRNet', EDSRNet]
    assert {Narrowing(dict(type=name, mid_channels=8)).type for name in names} == {'EDSRNet'}
    for name in names:
        assert 'type' not in Narrowing(dict(type=name, mid_channels=8)).changes(4)


def test_it_needs_no_clone(build, tmp_path):
    """Nothing of the repository is inherited, and the package is imported."""
    cfg = build(FACADES, '--width', '0.25')
    assert cfg.custom_imports == dict(imports=['mmagic_mikd'], allow_failed_imports=False)
    assert f'_base_ = [{FACADES!r}]' in (tmp_path / 'student.py').read_text()


@pytest.mark.parametrize(
    ('teacher', 'size', 'message'),
    [
        # the mapping network alone has 2.1 M
        (STYLEGAN2, ('--params', '1M'), r'cannot be reached .* nearest student, of width 1, has 2\.112 M'),
        (FACADES, ('--params', '60M'), r'teacher has 54\.41 M; the nearest student, of width 63 .* 52\.73 M'),
        (FACADES, ('--width', '1.5'), '0 < width < 1'),
        (FACADES, ('--params', 'few'), "'few' is no amount such as 3.4M"),
        (SWINIR, ('--width', '0.5'), "model.generator.type='SwinIRNet'.* which knows .*UnetGenerator"),
        ('absent.py', ('--width', '0.5'), 'no config file absent.py'),
    ],
)
def test_one_sentence_for_what_cannot_be_built(build, tmp_path, teacher, size, message):
    error = build(teacher, *size)
    assert re.search(message, error)
    assert 'Traceback' not in error
    assert not (tmp_path / 'student.py').exists()


def test_of_several_ways_to_draw_weights_none_may_be_the_teachers_file():
    def kept(*ways: dict) -> bool:
        generator = dict(type='RRDBNet', in_channels=3, out_channels=3, init_cfg=list(ways))
        return Narrowing(generator).config(8)['init_cfg'] == list(ways)

    drawn = dict(type='Kaiming', layer='Conv2d')
    assert kept(drawn, drawn) and not kept(drawn, dict(type='Pretrained', checkpoint='x4.pth'))


def test_a_teacher_that_is_no_more_trained_needs_its_checkpoint(build, variant):
    teacher = variant(FACADES, 'train_cfg = None')
    assert 'has no train_cfg.max_iters: give --teacher-checkpoint' in build(teacher, '--width', '0.25')
    cfg = build(teacher, '--width', '0.25', '--teacher-checkpoint', 'teacher.pth')
    assert cfg.default_hooks.distill.teacher.checkpoint == 'teacher.pth'


def test_a_file_is_not_overwritten(build, tmp_path):
    (tmp_path / 'student.py').write_text('mine')
    assert 'exists; remove it' in build(DCGAN, '--width', '0.25')
    assert (tmp_path / 'student.py').read_text() == 'mine'


def test_amounts():
    assert [parse_amount(text) for text in ('3.4M', '137k', '1.2G', '5')] == [3.4e6, 137e3, 1.2e9, 5]
    assert [parse_amount(text) for text in ('3.4m', '300K', '1.2g')] == [3.4e6, 300e3, 1.2e9]
    assert [amount(value) for value in (3.404e6, 137347, 1.2192e9, 5)] == [
        '3.404 M',
        '137.3 k',
        '1.219 G',
        '5',
    ]
    for text in ('M', '-1M', '3.4B', '3MM', '3kM', 'nan', 'inf', ''):
        with pytest.raises(argparse.ArgumentTypeError, match='no amount such as'):
            parse_amount(text)


TINY_PIX2PIX = """
model = dict(
    generator=dict(base_channels=8, num_down=5, use_dropout=False),
    discriminator=dict(base_channels=4, num_conv=1),
)
pipeline = [dict(transform) for transform in _base_.train_dataloader.dataset.pipeline]
pipeline[1].update(scale=(36, 36))
pipeline[2].update(crop_size=(32, 32))
train_dataloader = dict(batch_size=2, dataset=dict(pipeline=pipeline))
"""


def test_a_built_student_distils(build, variant, tmp_path):
    facades = data_folder('facades')
    cfg = build(variant(FACADES, TINY_PIX2PIX), '--width', '0.5')
    distill = cfg.default_hooks.distill
    distill.teacher.checkpoint = save_teacher(distill.teacher.model, tmp_path)
    cfg = common(cfg, tmp_path / 'run', iters=2)
    cfg.train_dataloader.dataset.data_root = str(facades)
    runner = train(cfg)
    assert sum(p.numel() for p in runner.model.generators.parameters()) == params(cfg.model)
    values = runner.message_hub.get_scalar('train/loss_distill_pyramid').data[0]
    assert len(values) == 2
    assert all(value != 0 for value in values)


def test_what_it_prints_does_not_steer_the_terminal(tmp_path, monkeypatch, capsys):
    from mmagic_mikd.apps.builder import build_student

    out = tmp_path / 'stu\x1b[31mdent.py'
    teacher = str(ROOT / 'configs' / 'mikd_edsr.py')
    monkeypatch.setattr('sys.argv', ['build_student.py', teacher, '--width', '0.5', '--out', str(out)])
    build_student.main()
    assert '\x1b' not in capsys.readouterr().out and out.is_file()


@pytest.mark.parametrize('milliseconds', [4.0, 9.0])
def test_a_budget_of_time_takes_the_widest_that_keeps_it(monkeypatch, milliseconds):
    """With a clock of one millisecond a channel."""
    generator = dict(type='EDSRNet', in_channels=3, out_channels=3, mid_channels=16, num_blocks=1)
    sizes = Sizes(Narrowing(generator), (3, 8, 8))
    real = sizes.milliseconds(4)
    assert 0 < real < 1000
    sizes.milliseconds = float
    assert widest_within(sizes, Budget('ms', milliseconds)) == milliseconds
    with pytest.raises(ConfigError, match='a budget of 16 ms a call here is no compression'):
        widest_within(sizes, Budget('ms', 16))


@pytest.mark.parametrize('text', ['20', 'ms', '-3ms', '0s', 'nans', '20min'])
def test_a_time_has_a_unit(text):
    assert (parse_milliseconds('20ms'), parse_milliseconds('1.5s')) == (20.0, 1500.0)
    with pytest.raises(argparse.ArgumentTypeError, match='no time such as'):
        parse_milliseconds(text)
