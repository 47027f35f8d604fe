"""The launch scripts: what they would start, without starting it."""

import shutil
import subprocess

import pytest
from places import ROOT, TOOLS

CONFIG = ROOT / 'configs' / 'mikd_pix2pix.py'
SCRIPTS = sorted([*TOOLS.glob('*.sh'), ROOT / '.ci' / 'run'])
# one argument per line, so that a space inside one would show
ECHO = 'printf "%s\\n" "$@"; echo "OMP=${OMP_NUM_THREADS:-} PORT=${MASTER_PORT:-}"'


@pytest.fixture
def venv(stub, tmp_path):
    """An environment whose python only says how it was called."""
    stub('python', ECHO, tmp_path / 'my venv' / 'bin')
    return tmp_path / 'my venv'


@pytest.mark.parametrize('script', SCRIPTS, ids=lambda path: path.name)
def test_every_script_parses_and_may_be_executed(script):
    assert subprocess.run(['bash', '-n', script], capture_output=True, text=True).stderr == ''
    assert script.name == 'environment.sh' or script.stat().st_mode & 0o111


def test_dist_train_with_the_toolbox_variables(run, venv):
    variables = dict(NNODES=2, NODE_RANK=1, PORT=1234, MASTER_ADDR='10.0.0.1', OMP_NUM_THREADS=None)
    script = TOOLS / 'dist_train.sh'
    done = run(script, CONFIG, 8, '--cfg-options', 'a="b c"', MIKD_VENV=venv, **variables)
    assert done.stdout.splitlines() == [
        *(str(TOOLS / 'processes.py'), '--nnodes=2', '--node_rank=1', '--nproc_per_node=8'),
        *('--master_addr=10.0.0.1', '--master_port=1234', str(TOOLS / 'train.py'), str(CONFIG)),
        *('--cfg-options', 'a="b c"', '--launcher', 'pytorch', 'OMP=1 PORT='),
    ]


def test_dist_test_takes_the_checkpoint_second(run, venv, tmp_path):
    config = tmp_path / 'a config.py'
    config.touch()
    done = run(TOOLS / 'dist_test.sh', config, 'my ckpt.pth', 2, '--out', 'x.json', MIKD_VENV=venv)
    lines = done.stdout.splitlines()
    assert lines[3:5] == ['--nproc_per_node=2', '--master_addr=127.0.0.1']
    assert not any('master_port' in line for line in lines)  # tools/processes.py takes a free one
    assert lines[5:10] == [str(TOOLS / 'test.py'), str(config), 'my ckpt.pth', '--out', 'x.json']


def test_the_sentence_of_the_readme_from_the_root(run, venv):
    done = run('tools/dist_train.sh', 'configs/mikd_pix2pix.py', 8, cwd=ROOT, MIKD_VENV=venv)
    assert 'configs/mikd_pix2pix.py' in done.stdout.splitlines() and done.returncode == 0


def test_a_config_of_the_toolbox_may_be_named(run, venv):
    name = 'mmagic::pix2pix/x.py'
    done = run(TOOLS / 'dist_train.sh', name, 1, MIKD_VENV=venv)
    assert done.returncode == 0 and name in done.stdout


@pytest.mark.parametrize(
    ('script', 'arguments', 'message'),
    [
        ('dist_train.sh', [CONFIG], 'Usage: tools/dist_train.sh CONFIG GPUS'),
        ('dist_train.sh', ['no.py', 2], 'There is no config file no.py'),
        ('dist_train.sh', [CONFIG, 'two'], "whole number from 1, not 'two'"),
        ('dist_train.sh', [CONFIG, 0], "whole number from 1, not '0'"),
        ('dist_test.sh', [CONFIG, 2], 'Usage: tools/dist_test.sh CONFIG CHECKPOINT GPUS'),
        ('slurm_train.sh', ['gpu', 'job', CONFIG], 'Usage: tools/slurm_train.sh PARTITION'),
        ('slurm_test.sh', ['gpu', 'job', 'no.py', 'x.pth'], 'There is no config file no.py'),
    ],
)
def test_wrong_calls_end_in_one_sentence(run, venv, script, arguments, message):
    done = run(TOOLS / script, *arguments, MIKD_VENV=venv)
    assert done.returncode == 2 and done.stderr.startswith('Error: ')
    assert message in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ('variables', 'message'),
    [
        (dict(NNODES='two'), "NNODES must be a whole number from 1, not 'two'"),
        (dict(NODE_RANK='-1'), "NODE_RANK must be a whole number from 0, not '-1'"),
        (dict(NNODES=2, NODE_RANK=2), 'NODE_RANK=2 must be less than NNODES=2'),
        (dict(PORT='auto'), "PORT must be a whole number from 1, not 'auto'"),
    ],
)
def test_wrong_variables_end_in_one_sentence(run, venv, variables, message):
    done = run(TOOLS / 'dist_train.sh', CONFIG, 2, MIKD_VENV=venv, **variables)
    assert done.returncode == 2 and done.stderr.startswith('Error: ')
    assert message in done.stderr and len(done.stderr.splitlines()) == 1


def test_no_environment_ends_in_the_command_that_makes_one(run, tmp_path):
    done = run(TOOLS / 'dist_train.sh', CONFIG, 2, MIKD_VENV=tmp_path / 'none yet')
    assert done.returncode == 2 and 'bash tools/install.sh' in done.stderr


@pytest.fixture
def slurm(run, stub, venv):
    """A dry run: `srun` only says how it was called."""
    path = f'{stub("srun", ECHO).parent}:/usr/bin:/bin'

    def slurm(script, *arguments, **variables):
        return run(TOOLS / script, *arguments, PATH=path, MIKD_VENV=venv, **variables)

    return slurm


def test_slurm_train_defaults(slurm, venv):
    lines = slurm('slurm_train.sh', 'gpu', 'my job', CONFIG, 'my dir', '--resume').stdout.splitlines()
    assert lines[:8] == [
        *('-p', 'gpu', '--job-name=my job', '--gres=gpu:8', '--ntasks=8'),
        *('--ntasks-per-node=8', '--cpus-per-task=5', '--kill-on-bad-exit=1'),
    ]
    assert lines[8:-1] == [
        *(str(venv / 'bin' / 'python'), '-u', str(TOOLS / 'train.py'), str(CONFIG)),
        *('--work-dir=my dir', '--resume', '--launcher=slurm'),
    ]
    assert 12000 <= int(lines[-1].rpartition('=')[2]) < 32000


def test_slurm_test_with_the_toolbox_variables(slurm):
    variables = dict(GPUS=2, GPUS_PER_NODE=2, CPUS_PER_TASK=3, SRUN_ARGS='--quiet --time=10')
    done = slurm('slurm_test.sh', 'gpu', 'job', CONFIG, 'x.pth', **variables, MASTER_PORT=77)
    lines = done.stdout.splitlines()
    assert {'--gres=gpu:2', '--ntasks=2', '--cpus-per-task=3', '--quiet', '--time=10'} <= set(lines)
    assert str(TOOLS / 'test.py') in lines and 'x.pth' in lines and lines[-1].endswith('PORT=77')


def test_the_active_environment_is_used_if_it_has_mmagic(run, stub, tmp_path):
    """Without MIKD_VENV the python on the PATH is asked whether it has MMagic."""
    yes = stub('python', f'[ "$1" = -c ] && exit 0\n{ECHO}', tmp_path / 'yes').parent
    done = run(TOOLS / 'dist_train.sh', CONFIG, 1, PATH=f'{yes}:/usr/bin:/bin', MIKD_VENV=None)
    assert done.returncode == 0 and '--nproc_per_node=1' in done.stdout


def test_else_the_environment_in_the_repository_is(run, stub, tmp_path):
    root = tmp_path / 'a clone'
    shutil.copytree(TOOLS, root / 'tools', ignore=shutil.ignore_patterns('__pycache__'))
    stub('python', ECHO, root / '.venv' / 'bin')
    no = stub('python', 'exit 1', tmp_path / 'no').parent
    path = f'{no}:/usr/bin:/bin'
    done = run(root / 'tools' / 'dist_train.sh', CONFIG, 1, PATH=path, MIKD_VENV=None)
    assert done.returncode == 0 and str(root / 'tools' / 'train.py') in done.stdout


def test_run_tests_passes_arguments_on(run, stub, tmp_path):
    yes = stub('python', f'[ "$1" = -c ] && exit 0\npwd; {ECHO}', tmp_path / 'yes').parent
    path = f'{yes}:/usr/bin:/bin'
    done = run('bash', TOOLS / 'run_tests.sh', '-k', 'a b', PATH=path, MIKD_VENV=None, cwd=tmp_path)
    lines = done.stdout.splitlines()
    assert lines[:3] == [str(ROOT), '-m', 'pytest'] and lines[-3:-1] == ['-k', 'a b']
