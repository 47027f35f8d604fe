"""The page as one file: templates, styles and scripts of this package, everything from outside escaped."""

import base64
import hashlib
from importlib.resources import files
from pathlib import Path
from typing import Any

from ...utils import escape
from ...utils.errors import ConfigError

HERE = files(__package__)
SCRIPTS = ('vendored/uPlot.iife.min.js', 'vendored/img-comparison-slider.js', 'assets/report.js')
STYLES = ('vendored/uPlot.min.css', 'vendored/img-comparison-slider.css', 'assets/report.css')
LICENCES = ('vendored/uPlot.LICENSE', 'vendored/img-comparison-slider.LICENSE')


def write(out: Path, **values: Any) -> None:
    """Render the page in memory and put it in place at once.

    Raises:
        ConfigError: jinja2 is not installed.
    """
    scripts = [_text(name) for name in SCRIPTS]
    html = (
        _environment()
        .get_template('report.html')
        .render(
            **values,
            policy=policy(scripts),
            # what this package ships, and nobody else can write
            scripts=[_markup(script) for script in scripts],
            licences=[_text(name) for name in LICENCES],
            styles=[_markup(_text(name)) for name in STYLES],
        )
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f'.{out.name}.part')
    part.write_text(html)
    part.replace(out)


def policy(scripts: list[str]) -> str:
    """What a browser may do with the page: run these scripts and no other, and ask nobody for anything."""
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    allowed = ' '.join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    rules = ("default-src 'none'", f'script-src {allowed}', "style-src 'unsafe-inline'", 'img-src data:')
    return '; '.join((*rules, "base-uri 'none'", "form-action 'none'"))


def data_uri(kind: str, content: bytes) -> str:
    return f'data:image/{kind};base64,{base64.b64encode(content).decode()}'


def _environment() -> Any:
    try:
        import jinja2
    except ImportError as error:
        raise ConfigError('mikd report needs jinja2: pip install jinja2') from error
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: _text(f'assets/{name}')),
        autoescape=True,
        finalize=_plain,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment


def _plain(value: Any) -> Any:
    """Text without what steers a terminal or turns the direction of writing; markup is our own."""
    return value if hasattr(value, '__html__') or not isinstance(value, str) else escape.line(value)


def _markup(text: str) -> Any:
    from markupsafe import Markup

    return Markup(text)


def _text(name: str) -> str:
    return HERE.joinpath(name).read_text()
