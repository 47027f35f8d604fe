"""The taps, on networks and optimisers that know nothing of distillation."""

import pytest
import torch
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from torch import nn

from mmagic_mikd.host.taps import ForwardTap, UpdateTap, resolve
from mmagic_mikd.utils.errors import ConfigError
from mmagic_mikd.utils.rng import RandomState, replayed, seeded


@pytest.fixture
def network():
    return nn.Linear(2, 2)


@pytest.fixture
def calls():
    return []


def test_only_the_first_call_that_trains_on_real_inputs_counts(network, calls):
    tap = ForwardTap(network, calls.append)
    x = torch.ones(1, 2)
    network(x)  # not armed
    tap.arm()
    with torch.no_grad():
        network(x)  # samples for a discriminator
    network(x.clone().requires_grad_())  # a cycle pass
    assert calls == [] and tap.seen == ['a call without gradients', 'a call on generated inputs']
    output = network(x)
    network(2 * x)
    assert len(calls) == 1 and calls[0].output is output and torch.equal(calls[0].args[0], x)


def test_one_generated_input_among_others_makes_the_call_a_generated_one(calls):
    network = nn.Bilinear(2, 2, 2)
    tap = ForwardTap(network, calls.append)
    tap.arm()
    network(torch.ones(1, 2), torch.ones(1, 2, requires_grad=True))
    assert calls == [] and tap.seen == ['a call on generated inputs']


def test_what_was_seen_before_it_was_armed_is_forgotten(network, calls):
    """Else the sentence about a step without a training call names those of earlier steps."""
    tap = ForwardTap(network, calls.append)
    tap.arm()
    network(torch.ones(1, 2, requires_grad=True))
    tap.arm()
    assert tap.seen == []


def test_keyword_inputs_count_as_inputs(calls):
    class Network(nn.Linear):
        def forward(self, *, image):
            return super().forward(image)

    network = Network(2, 2)
    tap = ForwardTap(network, calls.append)
    tap.arm()
    network(image=torch.ones(1, 2, requires_grad=True))
    assert calls == []
    network(image=torch.ones(1, 2))
    assert list(calls[0].kwargs) == ['image']


def test_inputs_are_those_before_the_network_changed_them(calls):
    class Network(nn.Linear):
        def forward(self, x):
            x -= x.mean()
            return super().forward(x)

    network = Network(2, 2)
    tap = ForwardTap(network, calls.append)
    tap.arm()
    network(torch.tensor([[1.0, 3.0]]))
    assert calls[0].args[0].tolist() == [[1.0, 3.0]]


def test_each_arm_hands_on_one_call_and_remove_ends_it(network, calls):
    tap = ForwardTap(network, calls.append)
    for _ in range(2):
        tap.arm()
        network(torch.ones(1, 2))
        network(torch.ones(1, 2))
    assert len(calls) == 2
    tap.arm()
    tap.remove()
    network(torch.ones(1, 2))
    assert len(calls) == 2 and not network._forward_hooks and not network._forward_pre_hooks


def test_update_sees_the_loss_before_it_is_scaled_and_is_restored(network):
    optim_wrapper = OptimWrapper(torch.optim.SGD(network.parameters(), lr=1.0), accumulative_counts=2)
    optim_wrapper.initialize_count_status(network, 0, 4)
    seen = []

    def add_penalty(loss):
        seen.append(loss.item())
        return loss + 3 * network.bias.sum()

    tap = UpdateTap(optim_wrapper, add_penalty)
    start = network.bias.detach().clone()
    for _ in range(2):
        optim_wrapper.update_params(network.weight.sum() * 0 + 8)
    assert seen == [8.0, 8.0]
    torch.testing.assert_close(network.bias.detach(), start - 3)
    tap.remove()
    assert optim_wrapper.update_params.__func__ is OptimWrapper.update_params


def test_resolve_sees_through_wrappers(network):
    model = nn.Module()
    model.generators = MMDistributedDataParallel.__new__(MMDistributedDataParallel)
    nn.Module.__init__(model.generators)
    model.generators.module = nn.ModuleDict(dict(photo=network))
    assert resolve(model, 'generators.photo') is network
    assert resolve(model, 'generators.map') is None
    assert resolve(model, 'generator') is None


def test_replay_draws_the_same_and_leaves_no_trace():
    import random

    import numpy as np

    def draw():
        return random.random(), np.random.rand(), torch.rand(1).item()

    state = RandomState.capture(torch.device('cpu'))
    first, second = draw(), draw()
    with replayed(state):
        assert draw() == first
    state.restore()
    draw()
    with seeded(3):
        draw()
    assert draw() == second


def test_a_model_may_call_backward_and_step_itself(network):
    optim_wrapper = OptimWrapper(torch.optim.SGD(network.parameters(), lr=1.0))
    tap = UpdateTap(optim_wrapper, lambda loss: loss + 3 * network.bias.sum())
    start = network.bias.detach().clone()
    optim_wrapper.backward(network.weight.sum() * 0)
    optim_wrapper.step()
    torch.testing.assert_close(network.bias.detach(), start - 3)
    tap.remove()
    assert not {'update_params', 'backward'} & set(vars(optim_wrapper))
    optim_wrapper.step()


def test_an_update_past_the_wrapper_is_refused_before_it_happens(network):
    optim_wrapper = OptimWrapper(torch.optim.SGD(network.parameters(), lr=1.0))
    UpdateTap(optim_wrapper, lambda loss: loss)
    start = network.weight.detach().clone()
    network.weight.sum().backward()
    with pytest.raises(ConfigError, match=r'call optim_wrapper.update_params\(loss\)'):
        optim_wrapper.step()
    assert torch.equal(network.weight, start)


def test_an_update_through_the_wrapper_does_not_let_the_next_one_past(network):
    optim_wrapper = OptimWrapper(torch.optim.SGD(network.parameters(), lr=1.0))
    UpdateTap(optim_wrapper, lambda loss: loss)
    optim_wrapper.update_params(network.weight.sum())
    start = network.weight.detach().clone()
    network.weight.sum().backward()
    with pytest.raises(ConfigError, match=r'call optim_wrapper.update_params\(loss\)'):
        optim_wrapper.step()
    assert torch.equal(network.weight, start)
