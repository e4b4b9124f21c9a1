"""The Transformer: the control for the MultiModel."""

from t2t_mm import registry
from t2t_mm.config.hparams import HParams


@registry.register_model
def transformer() -> type:
    """A plain encoder–decoder Transformer, normalised before each branch, over the same nets.

    It takes the MultiModel's hparams sets, of which it reads width, heads and the blocks of encoder
    and decoder; `transformer_tiny` is its own: `--model=transformer
    --hparams_set=transformer_tiny`.
    """
    from t2t_mm.models.transformer import Transformer

    return Transformer


@registry.register_hparams
def transformer_tiny() -> HParams:
    """`multimodel_tiny` for `--model=transformer`: 3 + 3 blocks, larger batches.

    With the MultiModel's six and four blocks it learns the text problems of `mini8` more slowly,
    and of the pictures nothing in 450 steps.
    """
    return registry.hparams("multimodel_tiny").replace(
        encoder_blocks=3, decoder_blocks=3, batch_size=2048, learning_rate=0.015
    )
