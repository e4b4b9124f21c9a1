"""HParams under the module's former name, which users' files import."""

from t2t_mm.config.hparams import HParams, parse_overrides

__all__ = ["HParams", "parse_overrides"]
