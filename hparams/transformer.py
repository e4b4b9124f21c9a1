"""The Transformer: the control for the MultiModel."""

from t2t_mm import registry


@registry.register_model
def transformer():
    """A plain encoder–decoder Transformer, normalised before each branch, over the same nets.

    It takes the MultiModel's hparams sets, and reads the width, heads and blocks of encoder and
    decoder: `--model=transformer --hparams_set=multimodel_tiny`.
    """
    from t2t_mm.models.transformer import Transformer

    return Transformer
