"""Modifiers: one change each to any set, as in `--hparams_set=multimodel_base+no_moe`.

They ask the paper's question: what do experts and attention contribute, also to tasks that don't
seem to need them?
"""

from t2t_mm import registry
from t2t_mm.config.hparams import HParams


@registry.register_hparams_modifier
def no_moe(hparams: HParams) -> HParams:
    """No mixture of experts, and nothing in its place: what do the experts contribute?

    Saves most of the parameters, and moe_k feed-forwards for each position. Expect slightly worse
    results on every problem: the paper (table 4) lost one point of accuracy on ImageNet and two on
    English to French.
    """
    return hparams.replace(moe_layers="none")


@registry.register_hparams_modifier
def no_attention(hparams: HParams) -> HParams:
    """No attention anywhere: what does attention contribute, also to image classes?

    The mixer gets the mean of the encoding instead; a translation couldn't see its source
    otherwise. Steps are faster. Expect worse translations (the paper's table 4: four points) and no
    change on images.
    """
    return hparams.replace(attention=False)


@registry.register_hparams_modifier
def dense_flops(hparams: HParams) -> HParams:
    """Experts replaced by one dense feed-forward of equal FLOPs: moe_k * moe_hidden units.

    Equal time for each step with far fewer parameters: separates the value of capacity from that of
    computation.
    """
    return hparams.replace(feed_forward="equal_flops")


@registry.register_hparams_modifier
def dense_params(hparams: HParams) -> HParams:
    """Experts replaced by one dense feed-forward of equal parameters: moe_experts * moe_hidden
    units.

    Equal capacity, all of it used at every position: costs moe_experts / moe_k times as much time
    in that layer.
    """
    return hparams.replace(feed_forward="equal_params")


@registry.register_hparams_modifier
def encoder_path(hparams: HParams) -> HParams:
    """Image classes are read off the encoder alone, as in Tensor2Tensor, instead of the whole body.

    Steps on images are cheaper, but neither the decoder's attention nor its experts see an image.
    """
    return hparams.replace(categorical_path="encoder")


@registry.register_hparams_modifier
def separate_embeddings(hparams: HParams) -> HParams:
    """A language net has separate weights for inputs, targets and softmax instead of shared ones.

    Adds two tables of vocabulary x hidden_size for each vocabulary. Expect no gain, and a loss
    where data is short.
    """
    return hparams.replace(share_embeddings=False)


@registry.register_hparams_modifier
def shared_parse_vocab(hparams: HParams) -> HParams:
    """Parse trees in the shared subwords, as in the paper, instead of a vocabulary of tree symbols.

    Targets become several times as long, so that a step parses fewer sentences; the language net is
    shared, too.
    """
    return hparams.replace(parse_vocab="shared")
