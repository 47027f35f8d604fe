"""Tiny runs of MMagic's own configs on real images: what the end-to-end tests train."""

from .base import ROOT, common, data_folder, energy_alone, save_teacher, small, train, without_distillation
from .from_noise import cagc, stylegan2
from .inspection import Observer, equal, evaluate, frechet, hook_of, load, reload_in_mmagic, scalars
from .restoration import edsr, nafnet, photographs, srgan, standard_sets, super_resolution
from .translation import cyclegan, omgd, omgd_cyclegan, pix2pix

__all__ = [
    'ROOT',
    'Observer',
    'cagc',
    'common',
    'cyclegan',
    'data_folder',
    'edsr',
    'energy_alone',
    'equal',
    'evaluate',
    'frechet',
    'hook_of',
    'load',
    'nafnet',
    'omgd',
    'omgd_cyclegan',
    'photographs',
    'pix2pix',
    'reload_in_mmagic',
    'save_teacher',
    'scalars',
    'small',
    'srgan',
    'standard_sets',
    'stylegan2',
    'super_resolution',
    'train',
    'without_distillation',
]
