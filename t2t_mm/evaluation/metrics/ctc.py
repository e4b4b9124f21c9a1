"""Metrics of the CTC head (hparam `ctc_weight`), beside those of the decoder."""

from typing import Any, ClassVar

from t2t_mm import registry
from t2t_mm.evaluation.metrics.teacher_forced import TeacherForced, masked_sums


class OfAlignment(TeacherForced):
    """A metric of what a signal alone says of its target, without previous pieces."""

    of_alignment: ClassVar[bool] = True
    higher_is_better = False

    def sums(self, logits: Any, targets: Any, mask: Any, valid: Any = None) -> tuple[Any, Any]:
        """What a batch adds to the figure; arguments as of `modalities.ctc.loss`."""
        raise NotImplementedError


@registry.register_metric
class CtcErrorRate(OfAlignment):
    """Pieces of the likeliest CTC path to be replaced, inserted or deleted, per piece of the
    target."""

    def sums(self, logits: Any, targets: Any, mask: Any, valid: Any = None) -> tuple[Any, Any]:
        import tensorflow as tf

        from t2t_mm.modalities import ctc

        answers = ctc.best(logits, valid).to_sparse()
        wanted = tf.ragged.boolean_mask(targets, mask).to_sparse()
        edits = tf.edit_distance(
            _int64(answers), _int64(wanted), normalize=False
        )  # [batch], of rows that neither side has: 0
        return tf.reduce_sum(tf.cast(edits, tf.float64)), tf.reduce_sum(tf.cast(mask, tf.float64))


@registry.register_metric
class CtcLeftOut(OfAlignment):
    """Share of examples whose signal has too few positions for CTC to align it with the target."""

    def sums(self, logits: Any, targets: Any, mask: Any, valid: Any = None) -> tuple[Any, Any]:
        import tensorflow as tf

        from t2t_mm.modalities import ctc

        return masked_sums(ctc.too_short(valid, targets, mask), tf.reduce_any(mask, axis=1))


def _int64(sparse: Any) -> Any:
    import tensorflow as tf

    return tf.cast(sparse, tf.int64)
