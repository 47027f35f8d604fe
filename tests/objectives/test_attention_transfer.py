"""Attention transfer by hand."""

import pytest
import torch

from mmagic_mikd.objectives import AttentionTransferLoss
from mmagic_mikd.utils.errors import ConfigError


def test_value_by_hand_with_different_numbers_of_channels():
    """Maps (1, 0) and (3, 4) / 5: squared distance 0.4^2 + 0.8^2 = 0.8."""
    student = torch.tensor([1.0, 0.0]).reshape(1, 1, 1, 2)
    teacher = torch.tensor([3.0, 4.0]).sqrt().reshape(1, 1, 1, 2).repeat(1, 3, 1, 1)
    assert AttentionTransferLoss(2.0)(student, teacher).item() == pytest.approx(1.6)


def test_scale_and_sign_do_not_matter_and_the_teacher_gets_no_gradient():
    student, teacher = torch.randn(2, 2, 4, 3, 5).unbind()
    student.requires_grad_(), teacher.requires_grad_()
    assert AttentionTransferLoss()(student, -7 * student).item() == pytest.approx(0.0, abs=1e-6)
    AttentionTransferLoss()(student, teacher).backward()
    assert student.grad.abs().sum() > 0 and teacher.grad is None


def test_maps_of_different_size_are_named():
    with pytest.raises(ValueError, match='differ in size'):
        AttentionTransferLoss()(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 4, 4))


@pytest.mark.parametrize('settings', [dict(loss_weight=-1), dict(loss_weight='1')])
def test_bad_settings_are_named(settings):
    with pytest.raises(ConfigError, match='AttentionTransferLoss: loss_weight='):
        AttentionTransferLoss(**settings)
