"""The Transformer: the control for the MultiModel."""

from t2t_mm import registry


@registry.register_model
def transformer() -> type:
    """A plain encoder–decoder Transformer, normalised before each branch, over the same nets.

    It takes the MultiModel's hparams sets, of which it reads width, heads and the blocks of encoder
    and decoder: `--model=transformer --hparams_set=multimodel_tiny`.
    """
    from t2t_mm.models.transformer import Transformer

    return Transformer
