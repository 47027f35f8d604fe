"""Refitted starts: least squares that are exact, and students that are nearer to their teachers."""

import copy
from types import SimpleNamespace

import pytest
import torch
from families import edsr, equal, hook_of, pix2pix, train
from mmengine.registry import MODELS, DefaultScope
from mmengine.runner import Runner
from torch import nn

from mmagic_mikd.students.least_squares import Fitted, fit
from mmagic_mikd.students.refit import Refit
from mmagic_mikd.students.slices import Slices

LAYERS = dict(
    plain=nn.Conv2d(3, 5, 3, padding=1),
    strided=nn.Conv2d(3, 5, 4, stride=2, padding=1, bias=False),
    dilated=nn.Conv2d(3, 5, 3, padding=2, dilation=2),
    reflected=nn.Conv2d(3, 5, 3, padding=1, padding_mode='reflect'),
    transposed=nn.ConvTranspose2d(3, 5, 4, stride=2, padding=1),
    odd=nn.ConvTranspose2d(3, 5, 3, stride=2, padding=1, output_padding=1, bias=False),
)


@pytest.mark.parametrize('name', LAYERS)
def test_the_linear_map_is_the_convolution(name):
    layer, x = LAYERS[name], torch.randn(2, 3, 12, 12)
    fitted, out = Fitted(layer), layer(x)
    inputs, outputs = fitted.rows(x, out)
    torch.testing.assert_close(inputs @ fitted.matrix, outputs)
    assert outputs.shape == (out.numel() // 5, 5)
    before = layer.weight.detach().clone()
    fitted.matrix = fitted.matrix
    assert torch.equal(layer.weight, before)


@pytest.mark.parametrize('name', LAYERS)
def test_weights_that_make_the_target_are_found(name):
    layer, other = copy.deepcopy(LAYERS[name]), copy.deepcopy(LAYERS[name])
    nn.init.normal_(other.weight)
    x = torch.randn(4, 3, 16, 16)
    before, after = fit(layer, x, other(x), ridge=1e-9)
    torch.testing.assert_close(layer.weight, other.weight, rtol=1e-3, atol=1e-4)
    assert before > 0.1 and after < 1e-6
    kept = other.weight.detach().clone()
    fit(other, x, LAYERS[name](x), ridge=1e12)
    torch.testing.assert_close(other.weight, kept)


def test_few_positions_change_the_weights_as_little_as_they_need():
    """Fewer rows than unknowns: they are met, and what they say nothing about stays."""
    layer, x = nn.Conv2d(8, 2, 3, bias=False), torch.randn(1, 8, 4, 4)
    target, before = torch.randn(1, 2, 2, 2), layer.weight.detach().clone()
    fit(layer, x, target, ridge=1e-9)
    torch.testing.assert_close(layer(x), target, rtol=1e-3, atol=1e-3)
    rows = Fitted(layer).rows(x, target)[0]
    change = (layer.weight - before).flatten(1).t()
    projected = rows.t() @ torch.linalg.solve(rows @ rows.t(), rows @ change)
    torch.testing.assert_close(projected, change.detach(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(('kernel', 'stride', 'size'), [(4, 2, 96), (3, 3, 32), (6, (3, 5), 24)])
def test_many_positions_are_thinned_out_without_losing_a_phase(kernel, stride, size):
    layer = nn.ConvTranspose2d(4, 3, kernel, stride=stride, padding=0 if kernel == 3 else 1)
    x = torch.randn(2, 4, size, size)
    inputs, outputs = Fitted(layer).rows(x, layer(x))
    assert len(inputs) <= 8192
    torch.testing.assert_close(inputs @ Fitted(layer).matrix, outputs)
    taken = inputs[:, :-1].abs() > 0
    assert taken.any(0).all()  # every tap of the kernel is seen


@pytest.mark.parametrize('samples', [2000, 8193])
def test_many_samples_are_thinned_out_before_their_positions_are(samples):
    """Of small images the corners alone were left, which do not see all of a kernel; then none, for ever."""
    layer, other = (nn.ConvTranspose2d(4, 3, 4, stride=2, padding=1) for _ in range(2))
    x = torch.randn(samples, 4, 4, 4)
    fit(layer, x, other(x), ridge=1e-9)
    torch.testing.assert_close(layer.weight, other.weight, rtol=1e-3, atol=1e-4)


NETWORKS = dict(
    unet=(dict(type='UnetGenerator', in_channels=3, out_channels=3, num_down=5), 'base_channels'),
    resnet=(dict(type='ResnetGenerator', in_channels=3, out_channels=3, num_blocks=2), 'base_channels'),
    edsr=(dict(type='EDSRNet', in_channels=3, out_channels=3, num_blocks=2), 'mid_channels'),
)


@pytest.mark.parametrize('name', NETWORKS)
def test_a_refitted_student_is_nearer_to_its_teacher_on_images_it_has_not_seen(name):
    cfg, width = NETWORKS[name]
    with DefaultScope.overwrite_default_scope('mmagic'):
        teacher, student = (MODELS.build(dict(cfg, **{width: w})) for w in (16, 4))
    for network in (teacher, student):
        network.train()
        for module in network.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
    for parameter in teacher.parameters():  # a start of the toolbox makes next to nothing of an image
        if parameter.dim() == 4:
            nn.init.kaiming_normal_(parameter)
    slices, wide = Slices(student, teacher), teacher.state_dict()
    student.load_state_dict({k: slices.of(k, wide[k], v.shape) for k, v in student.state_dict().items()})
    seen, unseen = torch.rand(2, 4, 3, 32, 32) * 2 - 1
    buffers = copy.deepcopy(dict(student.named_buffers()))
    state = torch.get_rng_state()

    def error():
        with torch.no_grad():
            return (student(unseen) - teacher(unseen)).square().mean().item()

    before = error()
    student.load_state_dict(buffers, strict=False)
    refit = Refit(SimpleNamespace(student=student, teacher=teacher, path='generator'), '', 'start')
    with torch.no_grad():
        student(seen)  # a call that does not train, such as the discriminator's
    assert error() == before
    student.load_state_dict(buffers, strict=False)
    student(seen)
    assert error() < 0.8 * before
    assert torch.equal(torch.get_rng_state(), state)
    refit.remove()
    assert not student._forward_pre_hooks and not any(m._forward_hooks for m in student.modules())


@pytest.mark.parametrize('family', [pix2pix, edsr])
def test_a_run_starts_refitted_once_and_resumes_without(tmp_path, family):
    def cfg(folder, iters):
        made = family(tmp_path / folder, iters)
        made.default_hooks.distill.update(start='refitted', objectives=dict(l1=dict(type='L1Loss')))
        return made

    whole = train(cfg('whole', 4))
    train(cfg('parts', 2))
    again = cfg('parts', 4)
    again.resume = True
    assert equal(whole.model.state_dict(), train(again).model.state_dict())


def test_the_first_image_is_that_of_the_refitted_student(tmp_path):
    """What the objectives see in the first iteration is already nearer than the slice would be."""
    distances = {}
    for start in ('sliced', 'refitted'):
        cfg = pix2pix(tmp_path / start, iters=1)
        cfg.default_hooks.distill.update(start=start, objectives=dict(l1=dict(type='L1Loss')))
        runner = Runner.from_cfg(cfg)
        runner.train()
        distances[start] = runner.message_hub.get_scalar('train/distance').current()
        assert not hook_of(runner).pairs
    assert distances['refitted'] < distances['sliced']
