"""The tool that prints the size and cost of the generators of configs."""

import re
from pathlib import Path

import pytest
from places import ROOT

from mmagic_mikd.apps.analysis import complexity as tool


def leaf(folder: Path, base: str, *lines: str) -> str:
    path = folder / 'config.py'
    path.write_text('\n'.join([f"_base_ = ['mmagic::{base}']", *lines]))
    return str(path)


PIX2PIX = 'pix2pix/pix2pix_vanilla-unet-bn_1xb1-80kiters_facades.py'
DISTILL = (
    'model = dict(generator=dict(base_channels=16))',
    'default_hooks = dict(distill=dict(teacher=dict(model=_base_.model)))',
)


def split(line: str) -> list[str]:
    return [cell.strip() for cell in line.split('|')]


def test_the_tool_compares_teacher_and_student(tmp_path, capsys):
    tool.main([leaf(tmp_path, PIX2PIX, *DISTILL), '--device', 'meta'])
    out = capsys.readouterr().out
    rows = {line.split('|')[1].strip(): line for line in out.splitlines() if line.startswith('|')}
    for value in ('3x256x256', '54.414 M', '6.048 G', '18.140 G'):
        assert value in rows['teacher']
    for value in ('3x256x256', '3.404 M', '0.406 G', '1.219 G'):
        assert value in rows['student']
    assert '16.0x' in rows['teacher / student'] and '14.9x' in rows['teacher / student']


def test_teachers_in_training_have_rows_and_ratios_of_their_own(capsys):
    """The sizes and costs of docs/omgd.md."""
    tool.main(
        [
            str(ROOT / 'configs/pix2pix/omgd-pix2pix_vanilla-unet-bn-c16_1xb4-558kiters_cityscapes.py'),
            '--device',
            'meta',
        ]
    )
    table = map(split, capsys.readouterr().out.splitlines())
    rows = {cells[1]: cells for cells in table if len(cells) > 5}
    assert list(rows)[2:] == [
        'teacher wide',
        'teacher deep',
        'student',
        'teacher wide / student',
        'teacher deep / student',
    ]
    assert rows['teacher deep'][3:6] == ['44.172 M', '17.532 G', '18.344 G']
    assert rows['teacher wide / student'][3] == '16.0x'


@pytest.mark.parametrize('line', ['default_hooks = None', 'default_hooks = dict(distill=None)'])
def test_a_distillation_that_is_switched_off_leaves_the_generator(tmp_path, capsys, line):
    tool.main([leaf(tmp_path, PIX2PIX, line), '--device', 'meta'])
    assert '54.414 M' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('base', 'name', 'shape'),
    [
        (PIX2PIX, 'generator', '3x256x256'),
        (
            'cyclegan/cyclegan_lsgan-id0-resnet-in_1xb1-250kiters_summer2winter.py',
            'generator (one of 2)',
            '3x256x256',
        ),
        ('edsr/edsr_x4c64b16_1xb16-300k_div2k.py', 'generator', '3x49x49'),
        ('srgan_resnet/srgan_x4c64b16_1xb16-1000k_div2k.py', 'generator', '3x32x32'),
        ('styleganv2/stylegan2_c2_8xb4-800kiters_ffhq-256x256.py', 'generator', '512'),
    ],
)
def test_the_tool_finds_generator_and_input_of_every_family(tmp_path, capsys, base, name, shape):
    tool.main([leaf(tmp_path, base), '--device', 'meta'])
    row = [line for line in capsys.readouterr().out.splitlines() if f'| {name} ' in line]
    assert [cell.strip() for cell in row[0].split('|')][1:3] == [name, shape]


@pytest.mark.parametrize(
    ('base', 'arguments', 'message'),
    [
        (
            'restormer/restormer_official_dfwb-color-sigma15.py',
            [],
            r'does not tell the size of its input; set complexity_shape',
        ),
        ('dim/dim_stage1-v16_1xb1-1000k_comp1k.py', [], 'has no `model.generator`'),
        (
            PIX2PIX,
            ['--input-shape', '3', '100', '100'],
            r'does not run on .*\(3, 100, 100\).*; set complexity_shape = .* or --input',
        ),
    ],
)
def test_the_tool_says_what_to_do(tmp_path, capsys, base, arguments, message):
    with pytest.raises(SystemExit):
        tool.main([leaf(tmp_path, base), '--device', 'meta', *arguments])
    assert re.search(message, capsys.readouterr().err)


def test_the_tool_names_a_config_that_cannot_be_read(tmp_path, capsys):
    (tmp_path / 'broken.py').write_text('model = dict(\n')
    with pytest.raises(SystemExit):
        tool.main([str(tmp_path / 'broken.py')])
    assert 'broken.py cannot be read as a config (SyntaxError' in capsys.readouterr().err


def test_a_config_of_the_toolbox_by_its_name(capsys):
    tool.main(['mmagic::edsr/edsr_x4c64b16_1xb16-300k_div2k.py', '--device', 'meta'])
    assert '| 3x49x49 |' in capsys.readouterr().out
