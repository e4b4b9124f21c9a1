"""The MultiModel and its sizes: each set is the previous one, wider and with more experts."""

from t2t_mm import registry
from t2t_mm.config.hparams import HParams


@registry.register_model
def multimodel() -> type:
    """One model for all problems (Kaiser et al. 2017): encoder, I/O mixer, decoder, and one net per
    modality."""
    from t2t_mm.models.multimodel import MultiModel

    return MultiModel


@registry.register_hparams
def multimodel_tiny() -> HParams:
    """Hidden 128, 10 experts: learns the mini world on two CPU cores in minutes.

    Muon's steps are all of the same size: without weight decay, matrices would grow until a long
    joint run stops improving; at three times the rate, pictures are not learnt before it has
    decayed.
    """
    return HParams(
        hidden_size=128,
        moe_experts=10,
        moe_hidden=512,
        image_size=64,
        dropout=0.0,
        batch_size=1024,
        learning_rate=0.01,
        weight_decay=0.1,
    )


@registry.register_hparams
def multimodel_small() -> HParams:
    """Hidden 256, 30 experts: for a workstation, or a CPU overnight."""
    size = {"hidden_size": 256, "moe_experts": 30, "moe_hidden": 1024, "image_size": 128}
    return multimodel_tiny().replace(**size, batch_size=2048, learning_rate=0.03, dropout=0.1)


@registry.register_hparams
def multimodel_base() -> HParams:
    """Hidden 512, 60 experts, the paper's single-task models: for one accelerator.

    Adam, since the cost of Muon grows with the number of parameters, most of which are the
    experts', and not with the batch.
    """
    size = {"hidden_size": 512, "moe_experts": 60, "moe_hidden": 2048, "image_size": 0}
    adam = {
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "beta2": 0.98,
        "warmup_steps": 1000,
        "weight_decay": 0.0,
    }
    return multimodel_small().replace(**size, **adam)


@registry.register_hparams
def multimodel_paper() -> HParams:
    """Hidden 1024, 240 experts, the paper's joint model: for several accelerators."""
    size = {"hidden_size": 1024, "moe_experts": 240, "moe_hidden": 4096}
    return multimodel_base().replace(**size, audio_frequency_stride=1)
