"""The documentation site: `python -m sphinx -W --keep-going -c docs . site`, from the root of a clone.

The source folder is the clone, so that pages link to studies, configs and code by the paths that work on GitHub
as well. Sphinx, because it refuses a link to a heading that is not there, takes the reference from docstrings,
and searches without a network. MkDocs Material is at its end, and its successor is not yet at 1.0.
"""

import re

from mmagic_mikd import __version__

project = 'mmagic_mikd'
author = copyright = 'The mmagic_mikd authors'
release = version = __version__

extensions = ['myst_parser', 'sphinx.ext.autodoc', 'sphinx.ext.napoleon']
root_doc = 'docs/index'
include_patterns = [
    'docs/*.md',
    'benchmarks/*.md',
    'benchmarks/studies/*.md',
    'configs/*.md',
    'configs/*/*.md',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
]
exclude_patterns = ['.*', '**/.*', 'build', 'data', 'mmagic_mikd', 'site', 'tests', 'work_dirs']
myst_enable_extensions = ['substitution']
myst_substitutions = dict(release=release)
myst_heading_anchors = 4
default_role = 'code'

autodoc_typehints = 'none'
autodoc_member_order = 'bysource'
napoleon_use_rtype = False

html_theme = 'furo'
html_title = f'mmagic_mikd {release}'
html_extra_path = ['root']  # index.html, which leads to the first page
html_static_path = ['static']
html_js_files = ['keyboard.js']


def setup(app: object) -> None:
    app.connect('autodoc-skip-member', without_methods)
    app.connect('autodoc-process-docstring', absolute_values)
    app.connect('html-page-context', level_of_captions, priority=900)  # after the theme


def without_methods(
    app: object, what: str, name: str, member: object, skip: bool, options: object
) -> bool | None:
    """Of a class the settings matter, which its own docstring has."""
    return True if what == 'class' else None


def absolute_values(
    app: object, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """|t - s| is no substitution of reStructuredText; between double backticks nothing is."""
    lines[:] = [re.sub(r'(``.*?``)|\|', lambda found: found[1] or '\\|', line) for line in lines]


def level_of_captions(app: object, page: str, template: str, context: dict, doctree: object) -> None:
    """Captions of the navigation are headings of no level, which a screen reader cannot place."""
    tree = context['furo_navigation_tree']
    context['furo_navigation_tree'] = tree.replace('role="heading"', 'role="heading" aria-level="2"')
