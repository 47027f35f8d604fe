"""Runs the first images of a test set through a student and its teacher, as the toolbox evaluates them."""

import copy
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map_only

from ...deploy.calls import batches
from ...deploy.form import takes_latents
from ...deploy.load import Student, clean_up, load_student
from ...deploy.picture import input_picture, to_picture
from ...deploy.spec import Spec
from ...engine.pair import ground_truth_key
from ...host.locate import find_generators, image_of
from ...host.taps import resolve, unwrap
from ...teachers.build import build_teacher
from ...teachers.named import labelled
from ...teachers.online import online_teacher
from ...teachers.resize import resized
from ...utils.errors import ConfigError
from ...utils.rng import RandomState, replayed, seeded
from .pictures import STUDENT, TARGET, Pictures, Sample, without_strangers
from .runs import Run


class Witness:
    """Keeps what a generator is given and makes, and what its teachers make of the same, with the same draws.

    Args:
        generator: of the model that is evaluated.
        teachers: by what their images are called; none to see the student alone.
        output: where the image is in what they return, see :func:`image_of`.
        spec: range and order of channels of the images.
    """

    def __init__(
        self, generator: nn.Module, teachers: Mapping[str, nn.Module], output: Any, spec: Spec
    ) -> None:
        self._teachers, self._output, self._spec = teachers, output, spec
        self._given: tuple | None = None
        self.images: list[dict[str, np.ndarray]] = []
        self._handles = [
            generator.register_forward_pre_hook(self._before, with_kwargs=True),
            generator.register_forward_hook(self._after, with_kwargs=True),
        ]
        self.armed = True  # for one call: a model may call its generator again, on what it has made

    def _before(self, module: nn.Module, args: tuple, kwargs: dict) -> None:
        state = RandomState.capture(next(module.parameters()).device)
        # a copy, because some networks change their inputs in place
        self._given = (*tree_map_only(Tensor, Tensor.clone, (args, kwargs)), state) if self.armed else None
        self.armed = False

    def _after(self, module: nn.Module, args: tuple, kwargs: dict, made: Any) -> None:
        if self._given is None:
            return
        args, kwargs, state = self._given
        s = image_of(made, self._output)
        columns = {}
        for name, teacher in self._teachers.items():
            with replayed(state):
                t = image_of(teacher(*args, **kwargs), self._output)
            columns[name] = resized(t, s.shape[-2:])
        columns[STUDENT] = s
        x = next(leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor))
        if x.ndim == 4 and x.shape[1] in (1, 3):
            columns = {'input': x, **columns}
        pictures = {name: [self._picture(name, each) for each in batch] for name, batch in columns.items()}
        self.images += [dict(zip(pictures, row, strict=True)) for row in zip(*pictures.values(), strict=True)]

    def _picture(self, name: str, image: Tensor) -> np.ndarray:
        shown = input_picture if name == 'input' else to_picture
        return shown(image[None].detach().float().cpu(), self._spec).numpy()

    def remove(self) -> None:
        for handle in self._handles:
            handle.remove()


def of_test_set(run: Run, teacher: Mapping | None, most: int) -> list[Pictures]:
    """What every generator of a run makes of the first ``most`` test images.

    Args:
        teacher: as ``default_hooks.distill.teacher``; of another run where this one has none.

    Raises:
        ConfigError: there is no checkpoint, no test set, or no such teacher.
    """
    if run.checkpoint is None:
        raise ConfigError(f'{run.folder} holds no checkpoint')
    if not run.cfg.get('test_dataloader'):
        raise ConfigError(f'{run.config_file} has no test_dataloader')
    cfg = copy.deepcopy(run.cfg)
    cfg.experiment_name = f'report_{run.name}'  # two of one name and one second would share what they log
    cfg.work_dir = None
    student = load_student(cfg, str(run.checkpoint), 1)
    try:
        return list(_seen(run, student, teacher, most))
    finally:
        clean_up(student)


def _seen(run: Run, student: Student, teacher: Mapping | None, most: int) -> list[Pictures]:
    latent = takes_latents(student.generator)
    model = unwrap(student.runner.model)
    paths = [student.path] if latent else _tested(model, student.path)
    witnesses = {path: _witness(run, student, teacher, path) for path in paths}
    try:
        if latent:
            names, truths = _run_latents(student, witnesses[student.path], most), {}
        else:
            names, truths = _run_test_set(student, witnesses, most)
    finally:
        for witness in witnesses.values():
            witness.remove()
    made = []
    for path, witness in witnesses.items():
        rows = [images | _target(truths.get(path), row, images) for row, images in enumerate(witness.images)]
        samples = [Sample(*pair) for pair in zip(names, rows, strict=False)][:most]
        if samples:
            count = len(samples)
            origin = f'the first {count} images of the test set, in the batches of mikd test'
            origin = f'{count} random latents, the same for every network' if latent else origin
            made.append(Pictures(path, without_strangers(samples, run.cfg), origin))
    return made


def _tested(model: nn.Module, default: str) -> list[str]:
    found = find_generators(model)
    return found if default in found else [default]


def _witness(run: Run, student: Student, teacher: Mapping | None, path: str) -> Witness:
    generator = resolve(student.runner.model, path)
    pairs = run.distill.get('pairs') or ()
    pair = next((pair for pair in pairs if pair.get('student') in (path, path.partition('_ema')[0])), {})
    model, networks = student.runner.model, {}
    at, students_range = pair.get('teacher', path), pair.get('value_range')
    for label, cfg in labelled(teacher).items():
        with seeded(0):  # initial weights, soon replaced
            network = (
                online_teacher(cfg, model, generator)
                if 'online' in cfg
                else build_teacher(cfg, at, unwrap(model).data_preprocessor, None, students_range)
            )
        networks[label] = network.to(next(generator.parameters()).device)
    spec = student.spec('frozen', 1.0)
    if path != student.path:  # the way back
        spec = dataclasses.replace(spec, order=spec.output_order, output_order=spec.order)
    if pair.get('value_range'):
        low, high = pair['value_range']
        spec = dataclasses.replace(spec, lowest=low, highest=high)
    return Witness(generator, networks, pair.get('output'), spec)


@torch.no_grad()
def _run_latents(student: Student, witness: Witness, most: int) -> list[str]:
    draws = torch.Generator().manual_seed(0)
    device = next(student.generator.parameters()).device
    with seeded(0, device):
        for latent in torch.randn(most, student.generator.noise_size, generator=draws).to(device):
            witness.armed = True
            student.generator(latent[None])
    return [f'latent {number} of seed 0' for number in range(1, most + 1)]


@torch.no_grad()
def _run_test_set(
    student: Student, witnesses: Mapping[str, Witness], most: int
) -> tuple[list[str], dict[str, list[np.ndarray | None]]]:
    """Names of the samples, and their targets by generator."""
    names: list[str] = []
    truths: dict[str, list[np.ndarray | None]] = {path: [] for path in witnesses}
    model = student.runner.model
    for data in batches(student.runner):
        for witness in witnesses.values():
            witness.armed = True
        for sample in model.test_step(data):
            names.append(_name(sample.metainfo, len(names)))
            for path, found in truths.items():
                found.append(_truth(sample, path, student.calls.output_order))
        if len(names) >= most:
            break
    return names, truths


def _name(metainfo: Mapping, number: int) -> str:
    paths = [str(value) for key, value in sorted(metainfo.items()) if key.endswith('path')]
    return Path(paths[0]).name if paths else f'image {number + 1}'


def _truth(sample: Any, path: str, made_order: str) -> np.ndarray | None:
    """The target image of a sample, in [0, 255] as in all evaluations."""
    key = ground_truth_key(path).rpartition('.')[2]
    image = sample.get(key)
    if not isinstance(image, Tensor) or image.ndim != 3 or image.shape[0] not in (1, 3):
        return None
    loaded = sample.metainfo.get(f'{"gt" if key == "gt_img" else key}_channel_order')
    # without knowing how it was loaded, the toolbox calls everything BGR
    order = sample.metainfo.get(f'{key}_output_channel_order', loaded) if loaded else made_order
    spec = Spec('image', str(order).upper(), 0.0, 255.0, 1, 1.0, 'none', ())
    return to_picture(image[None].float().cpu(), spec).numpy()


def _target(truths: list | None, row: int, images: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Where it is of the student's size; images that were padded for the network are cropped to it."""
    truth = truths[row] if truths else None
    if truth is None or any(a < b for a, b in zip(images[STUDENT].shape, truth.shape, strict=True)):
        return {}
    for name in images.keys() - {'input'}:
        images[name] = images[name][: truth.shape[0], : truth.shape[1]]
    return {TARGET: truth}
