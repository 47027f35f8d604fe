"""The arguments of MMagic's own scripts, which several tools share."""

from ..refusal import refuse
from . import Parser

CFG_OPTIONS_HELP = (
    'override settings of the config, for example optim_wrapper.generators.optimizer.lr=1e-4; '
    'lists as key="[a,b]" or key=a,b, nested ones as key="[(a,b),(c,d)]", without white space'
)


def argument_parser(description: str) -> Parser:
    parser = Parser(description=description)
    parser.add_argument('config', help='config file, or mmagic::FILE for one of the toolbox')
    parser.add_argument('--work-dir', help='where logs and checkpoints go')
    parser.add_argument('--cfg-options', nargs='+', action='extend', type=setting, help=CFG_OPTIONS_HELP)
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    # torch.distributed.launch passes it with either spelling
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    return parser


def setting(text: str) -> str:
    """KEY=VALUE; the toolbox reads the value, once it is imported."""
    key, equals, _ = text.partition('=')
    if not (key and equals):
        refuse(f'--cfg-options {text} has no {"`=`" if key else "key"}: write it as KEY=VALUE')
    return text
