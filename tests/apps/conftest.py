"""What the tests of the tools share: commands as a user calls them, and stubs for what they call."""

import os
import subprocess
from functools import cache

import forked
import pytest
from families import data_folder
from families.translation import first_images
from reported import report_of


@pytest.fixture(scope='session')
def run():
    """Run a command as a user would, on one thread: run('bash', script, ..., NAME=value).

    A tool runs in a copy of a process that has imported the package, unless it is to be started `afresh`; so
    do the processes that it starts.
    """

    def run(*command, cwd=None, timeout=600, afresh=False, **variables):
        given = {**os.environ, 'OMP_NUM_THREADS': '1', 'CUDA_VISIBLE_DEVICES': '', **variables}
        env = {key: str(value) for key, value in given.items() if value is not None}
        command = [str(part) for part in command]
        if not afresh and (copy := forked.copied(command, cwd, env)):
            return forked.run(*copy, timeout)
        return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=timeout)

    return run


@pytest.fixture
def stub(tmp_path):
    """An executable that does as the given bash lines say: stub('srun', 'echo "$@"')."""

    def stub(name, lines, folder=tmp_path / 'stubs'):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'#!/usr/bin/env bash\n{lines}\n')
        path.chmod(0o755)
        return path

    return stub


@pytest.fixture(scope='module')
def few(tmp_path_factory):
    """A folder of data sets with twelve facades of each split."""
    folder = tmp_path_factory.mktemp('few')
    for split in ('train', 'val', 'test'):
        first_images(data_folder('facades') / split, folder / 'facades' / split, 12)
    (folder / 'weights_cifar_resnet').symlink_to(data_folder('weights_cifar_resnet'))
    return folder


@pytest.fixture(scope='session')
def reported(tmp_path_factory):
    """Of a family: its run with report.html, made once, and what the tool has said."""

    @cache
    def reported(family):
        run = tmp_path_factory.mktemp(family) / 'run'
        return run, report_of(family, run)

    return reported
