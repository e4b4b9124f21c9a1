"""What all layers have in common: a configuration, from which Keras makes them again."""

import contextlib
import inspect
from typing import Any

import keras

from t2t_mm import registry
from t2t_mm.config.hparams import HParams


class Layer(keras.layers.Layer):
    """A layer whose configuration is the arguments of its constructor.

    Keras makes such configurations by itself where the arguments are numbers and strings. Here they
    may also be a `seed` (keras.random.SeedGenerator) and `hparams`. Subclasses are registered as
    serialisable under their names.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        keras.saving.register_keras_serializable(cls.__module__.partition(".")[0])(cls)

    def __new__(cls, *args: Any, **kwargs: Any) -> "Layer":
        layer = super().__new__(cls, *args, **kwargs)
        with contextlib.suppress(TypeError):  # which the constructor is going to raise as well
            given = inspect.signature(cls.__init__).bind(layer, *args, **kwargs)
            given.apply_defaults()
            known = [n for n in given.arguments if n not in ("self", "kwargs")]
            # past Keras, which would track what is in it
            vars(layer)["_arguments"] = {name: given.arguments[name] for name in known}
        return layer

    def get_config(self) -> dict[str, Any]:
        given = {name: _recorded(name, value) for name, value in self._arguments.items()}
        return super().get_config() | given

    def made_like(self) -> tuple:
        """What layers have in common that compute the same from equal weights; hashable."""
        given = {n: _hashable(value) for n, value in self._arguments.items() if n != "seed"}
        return type(self), self.dtype_policy.name, tuple(given.items())

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Layer":
        return super().from_config({name: _restored(name, value) for name, value in config.items()})


def _hashable(value: Any) -> Any:
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return value


def _recorded(name: str, value: Any) -> Any:
    if name == "hparams":
        return value.to_dict()
    if name == "seed":
        return keras.saving.serialize_keras_object(value)
    return list(value) if isinstance(value, tuple) else value  # as it comes back from JSON


def _restored(name: str, value: Any) -> Any:
    if isinstance(value, dict) and name == "hparams":
        return hparams_of(value)
    return keras.saving.deserialize_keras_object(value) if name == "seed" else value


def hparams_of(values: dict[str, Any]) -> HParams:
    """HParams from the values of its fields; of the registered class of a model that has them."""
    for known in (HParams, *(each.hparams for each in registry.entries("model") if each.hparams)):
        if values.keys() <= known.fields().keys():
            return known(**values)
    extra = ", ".join(sorted(values.keys() - HParams.fields().keys()))
    raise ValueError(f"no registered model has hyperparameters of these names: {extra}")
