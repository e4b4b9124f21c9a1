"""Whether the replicas of a run share out the experts."""

from typing import Any

from t2t_mm import registry
from t2t_mm.config.hparams import HParams
from t2t_mm.config.run import RunConfig
from t2t_mm.errors import UserError
from t2t_mm.execution.exchange import Exchange
from t2t_mm.execution.replicas import Replicas
from t2t_mm.layers.roles import is_expert
from t2t_mm.layers.shares import holders

# Of a layer's experts: with their gradients and two moments, 1 GiB. Below, what a step takes longer
# is not worth the memory, and --expert_parallel=auto leaves them whole.
WORTH_IT = 2**26


def exchange_for(config: RunConfig, hparams: HParams, replicas: Replicas) -> Exchange | None:
    """What shares out the experts of a model that is going to be made; None: each replica has all.

    Raises:
        UserError: `config.expert_parallel` is "on", and it can't be done.
    """
    if config.expert_parallel == "off":
        return None
    reason = _obstacle(config, hparams, replicas)
    if reason and config.expert_parallel == "on":
        raise UserError(f"--expert_parallel=on can't be done: {reason}.")
    least = WORTH_IT if config.expert_parallel == "auto" else 0
    return None if reason else replicas.exchange(least)


def _obstacle(config, hparams, replicas):
    if replicas.count == 1:
        return (
            "there is one device only; give --strategy=mirrored on a machine that has several, or "
            "multi_worker where several machines train"
        )
    if replicas.is_tpu:
        return f"TPUs run whole programs, in which replicas can't meet, and this is {replicas}"
    if not getattr(registry.optimizer(hparams.optimizer)(hparams), "shares_out", False):
        return (
            f"optimizer={hparams.optimizer} looks at all experts at once; muon, adam and adamw "
            "don't"
        )
    if config.decode_examples:
        return (
            "with --decode_examples each device decodes batches of its own, which needs all "
            "experts; leave it out, and decode checkpoints with --mode=evaluate"
        )
    return ""


def check(config: RunConfig, model: Any, replicas: Replicas) -> None:
    """Raises a UserError where `config.expert_parallel` is "on", and a model, or some of its
    experts, could not be shared out."""
    if config.expert_parallel != "on":
        return
    experts = [v for v in model.trainable_variables if is_expert(v)]
    if not experts:
        raise UserError("--expert_parallel=on can't be done: the model has no experts.")
    left = next((v for v in experts if holders(v) == 1), None)
    if left is not None:
        raise UserError(
            f"--expert_parallel=on can't be done: {left.shape[0]} experts don't divide over "
            f"{replicas.count} replicas. Change moe_experts, or the number of devices."
        )
