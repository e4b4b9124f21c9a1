"""The names of a model's variables, under which checkpoints store them."""

import functools

import keras

from t2t_mm import compat
from t2t_mm.errors import UserError


def named_variables(model: keras.layers.Layer) -> dict[str, keras.Variable]:
    """The variables of a model by name: the path of the attributes that hold them, such as
    "encoder/blocks/0/steps/0/depthwise".

    Unlike Keras' own paths, these names depend neither on models made before in the process nor on
    the order of problems. A variable that several attributes hold counts once, under the first
    name. Private attributes count where no public one leads to a variable, without their
    underscore: the "kernel" of a keras.layers.Dense.

    Raises:
        UserError: if two variables have one name, or a variable has none.
    """
    named: dict[str, keras.Variable] = {}
    ids = {id(variable): variable.path for variable in model.variables}

    def walk(value: object, path: tuple[str, ...], private: bool, seen: dict) -> None:
        if id(value) in seen:
            return
        seen[id(value)] = value  # kept alive, so that its id stays its own
        if isinstance(value, keras.Variable):
            if not private or id(value) in ids:
                name = "/".join(path)
                if name in named:
                    raise UserError(
                        f"Two variables of {model.name} have the name {name}. Rename the attribute "
                        "or dictionary key that holds one of them."
                    )
                named[name] = value
                ids.pop(id(value), None)
            return
        for name, child in _children(value, private):
            walk(child, (*path, name), private, seen)

    walk(model, (), False, {})
    if ids:
        walk(model, (), True, {})
    if ids:
        raise UserError(
            f"No layer of {model.name} holds its variable {next(iter(ids.values()))}, which leaves "
            "it without a name. Keep it in an attribute of a layer."
        )
    return named


def _children(value: object, private: bool) -> list[tuple[str, object]]:
    """(name, child) of a container's items, or of a layer's attributes: the public ones; if
    `private`, then the private ones, and by number what it holds in no attribute."""
    if isinstance(value, dict):
        return sorted(((str(key), child) for key, child in value.items()), key=_name)
    if isinstance(value, list | tuple):
        return sorted(((str(i), child) for i, child in enumerate(value)), key=_name)
    if not isinstance(value, keras.layers.Layer | keras.random.SeedGenerator):
        return []
    attributes = vars(value)
    found = [(name, attributes[name]) for name in sorted(attributes) if not name.startswith("_")]
    if not private or not isinstance(value, keras.layers.Layer):
        return found
    for name in sorted(attributes.keys() - {name for name, _ in found} - _attributes_of_keras()):
        short = name.lstrip("_")
        found.append((name if short in attributes else short, attributes[name]))
    layers = value.layers if isinstance(value, keras.Model) else compat.own_layers(value)
    return [*found, ("layers", layers), ("variables", compat.own_variables(value))]


def _name(named: tuple[str, object]) -> str:
    return named[0]


@functools.cache
def _attributes_of_keras() -> frozenset[str]:
    """The attributes that every layer and model of Keras has, for its own bookkeeping."""
    x = keras.Input((1,))
    stock = keras.layers.Layer(), keras.Sequential(), keras.Model(x, x)
    return frozenset(name for layer in stock for name in vars(layer))
