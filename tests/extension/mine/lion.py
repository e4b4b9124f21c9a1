"""An optimizer of one's own."""

from t2t_mm import registry


@registry.register_optimizer
def gentle_lion(hparams):
    """Keras' Lion at a tenth of the learning rate."""
    import keras

    return keras.optimizers.Lion(learning_rate=0.1 * hparams.learning_rate)
