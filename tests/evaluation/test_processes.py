"""Evaluation on two processes counts every image once, although the sampler pads."""

import json

import pytest
from evaluation_runs import build, cyclegan, evaluate_as, frechet, second_process
from torch.multiprocessing import spawn

IMAGES = 9  # odd: the sampler gives the last process an image again
KEYS = dict(real_key='img_winter', fake_key='fake_winter')


def metrics() -> list[dict]:
    limited = frechet(**KEYS, fake_nums=6, real_nums=7, prefix='limited')
    return [frechet(**KEYS), limited, dict(type='PairedImageQuality', **KEYS)]


def test_two_processes_report_what_one_reports(tmp_path, monkeypatch):
    monkeypatch.setenv('OMP_NUM_THREADS', '1')
    monkeypatch.chdir(tmp_path)  # where MMEngine exchanges results
    cfg = cyclegan(tmp_path / 'run', metrics(), batch_size=2, images=IMAGES)
    context = spawn(second_process, args=(tmp_path, cfg), nprocs=1, join=False)
    runner, recorder = build(cfg)
    runner.test()
    evaluate_as(0, tmp_path, cfg)
    assert context.join(timeout=60)
    reports = [json.loads((tmp_path / f'{rank}.json').read_text()) for rank in range(2)]
    assert reports[0] == reports[1]
    assert reports[0] == pytest.approx(recorder.metrics[0], rel=1e-4)
