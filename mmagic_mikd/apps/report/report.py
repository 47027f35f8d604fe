"""One self-contained page about finished runs or studies: sizes, scores, pictures, curves, settings."""

from pathlib import Path

from mikd.arguments.report import parse_args

from ...utils import escape
from ...utils.checks import require_writable
from ...utils.errors import ConfigError
from ..launch.launch import user_errors

BRAND = '<p class="brand">mmagic_mikd report</p>'  # in every page
STUDIES = ('.yaml', '.yml')


@user_errors()
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    folders = [path for path in args.sources if path.suffix not in STUDIES]
    files = [path for path in args.sources if path.suffix in STUDIES]
    out = args.out or (folders[0] / 'report.html' if folders else files[0].with_suffix('.html'))
    if args.out:
        require_writable('--out', args.out)
    require_page(out)
    from mmagic.utils import register_all_modules  # takes seconds

    from . import page, run_view, study_view
    from .runs import named

    register_all_modules()
    runs = named(folders)
    studies = [study_view.opened(path) for path in files]
    require_known(args.against, [run.name for run in runs], [s.spec['objectives'] for s in studies])
    against = next((run for run in runs if run.name == args.against), None)
    page.write(
        out,
        title=' · '.join([*(run.folder.name for run in runs), *(study.name for study in studies)]),
        runs=run_view.view(runs, against, args.images) if runs else None,
        studies=[study_view.view(study, args.against) for study in studies],
    )
    print(escape.line(f'{out}: {out.stat().st_size / 1e6:.2f} MB, opens in a browser'))
    print(escape.line(f'Next: {following(runs, files)}'))


def require_page(out: Path) -> None:
    """Refuse to write over anything but an earlier page of this tool."""
    if out.is_file() and BRAND not in out.read_text(errors='replace'):
        raise ConfigError(f'{out} exists and is no page of mikd report: give another name with --out')


def following(runs: list, files: list[Path]) -> str:
    """The command that comes next: ship the last run, or read a study's numbers."""
    if not runs:
        return f'mikd study table {files[0]}'
    last = runs[-1]
    if last.checkpoint is None:
        return f'mikd train {last.config_file} --work-dir {last.folder} --resume, as it has no checkpoint'
    return f'mikd export {last.config_file} {last.checkpoint} --out {last.folder}/export'


def require_known(against: str | None, runs: list[str], objectives: list) -> None:
    """Refuse a name that nothing here has."""
    names = [*runs, *dict.fromkeys(name for each in objectives for name in each)]
    if against is not None and against not in names:
        known = ', '.join(names)
        raise ConfigError(f'--against {against} is neither a run nor an objective here: there are {known}')


if __name__ == '__main__':
    main()
