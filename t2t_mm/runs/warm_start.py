"""Starting from a trained model: what fits is loaded by name, the rest keeps its initial values,
both are told."""

from numpy.linalg import norm

from t2t_mm.runs.averaging import model_weights
from t2t_mm.runs.checkpoints import named_variables

BODY = ("encoder", "mixer", "decoder")


def load_fitting(model, problems, path, recorded, log=print, rescale=False):
    """Gives a model the weights of a checkpoint that it has too, with equal shape; moving averages
    where there are any.

    A net whose vocabulary is another now keeps its initial values, whatever the shapes.

    Args:
        model: to be given weights.
        problems: resolved problems of the model.
        path: the checkpoint's path prefix.
        recorded: {problem: description} of the run that wrote it
            (output.OutputDir.recorded_problems).
        log: function of one str, told which parts were loaded, which are new, and which were left.
        rescale: bring each matrix of the body to the norm of its fresh initial values, which takes
            the gates of the
            experts to zero. A long training leaves large matrices and gates that are sure: steps
                hardly turn them, and
            a problem that the model has never seen is learned slowly. What the model could do is
            lost.
    """
    weights = model_weights(path) | model_weights(path, "average")
    changed = _changed_vocabularies(problems, recorded)
    loaded, new, variables = {}, {}, named_variables(model)
    for name, variable in variables.items():
        if not variable.trainable:
            continue
        part, value = _part(name), weights.get(name)
        fits = value is not None and value.shape == tuple(variable.shape) and part not in changed
        if fits:
            resized = rescale and part in BODY and value.ndim > 1
            variable.assign(
                value * (norm(variable.numpy()) / max(norm(value), 1e-12)) if resized else value
            )
        found = loaded if fits else new
        found[part] = found.get(part, 0) + variable.value.shape.num_elements()
    log(f"Warm start from {path}: loaded {_told(loaded)}.")
    log(f"Not in it, or not fitting, and new: {_told(new)}.")
    left = {_part(name) for name in weights.keys() - variables.keys()}
    if left:
        log(f"In it and of no use here: {', '.join(sorted(left))}.")


def is_part_of(path, model) -> bool:
    """Whether a checkpoint holds all of the model but the nets and command tokens of problems that
    are new."""
    missing = named_variables(model).keys() - model_weights(path).keys()
    return bool(missing) and all(name.startswith(("nets/", "commands/")) for name in missing)


def _changed_vocabularies(problems, recorded):
    """The parts that read or write a vocabulary, or classes, of the same name, but another content,
    than those of the checkpoint."""
    then = {
        said[side]["vocab"]: said[side]["fingerprint"]
        for said in recorded.values()
        for side in ("inputs", "targets")
        if said[side].get("fingerprint")
    }
    specs = [
        spec
        for problem in problems
        for spec in (problem.inputs, problem.targets)
        if getattr(spec, "path", "")
    ]
    changed = {
        f"nets/{spec.net_name()}"
        for spec in specs
        if spec.vocab in then and then[spec.vocab] != spec.vocabulary().fingerprint
    }
    classes = {
        said["targets"].get("labels"): said["targets"].get("names")
        for said in recorded.values()
        if said["targets"]["kind"] == "categorical"
    }
    for spec in (problem.targets for problem in problems if problem.targets.kind == "categorical"):
        if list(classes.get(spec.labels) or spec.names) != list(spec.names):
            changed.add(f"nets/{spec.net_name()}")
    return changed


def _part(name):
    """The part of the model that a weight belongs to: nets/<name>, commands/<name>, encoder, mixer
    or decoder."""
    first, second = (*name.split("/"), "")[:2]
    return f"{first}/{second}" if first in ("nets", "commands") else first


def _told(parts):
    return ", ".join(f"{part} ({count:,})" for part, count in sorted(parts.items())) or "nothing"
