"""Train a config that distils, as `train` does; one that does not is refused."""

from mmengine.config import Config

from mikd.arguments.distil import parse_args

from ...utils.errors import ConfigError
from .train import train

HOOK = 'DistillRunner'


def main() -> None:
    train(parse_args(), require_distillation)


def require_distillation(cfg: Config, name: str) -> None:
    """Refuse a config of that name which would train its student alone."""
    hooks = [*(cfg.get('default_hooks') or {}).values(), *(cfg.get('custom_hooks') or [])]
    kinds = [hook.get('type') for hook in hooks if isinstance(hook, dict)]
    if not any(getattr(kind, '__name__', kind) == HOOK for kind in kinds):
        raise ConfigError(
            f'{name} does not distil: add default_hooks.distill=dict(type={HOOK!r}, ...), or take `mikd train`'
        )


if __name__ == '__main__':
    main()
