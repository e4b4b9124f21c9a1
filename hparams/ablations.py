"""Modifiers: one change each to any set, as in `--hparams_set=multimodel_base+no_moe`.

They ask the paper's question: what do experts and attention give, also to tasks that seem not to
need them?
"""

from t2t_mm import registry


@registry.register_hparams_modifier
def no_moe(hparams):
    """No mixture of experts, nor anything in its place: what do the experts bring?

    Saves most of the parameters and moe_k feed-forwards a position. Expect a little worse on every
    problem: the paper (table 4) lost one point of accuracy on ImageNet and two on English to
        French.
    """
    return hparams.replace(moe_layers="none")


@registry.register_hparams_modifier
def no_attention(hparams):
    """No attention anywhere: what does attention bring, also to image classes?

    The mixer is given the mean of the encoding in its place, or a translation couldn't see its
    source at all. Steps are faster. Expect worse on translation (the paper's table 4: four points)
    and no change on images.
    """
    return hparams.replace(attention=False)


@registry.register_hparams_modifier
def dense_flops(hparams):
    """Experts replaced by one dense feed-forward of equal FLOPs a position: moe_k * moe_hidden
    units.

    The same time a step with far fewer parameters: tells the worth of capacity from that of
    computation.
    """
    return hparams.replace(feed_forward="equal_flops")


@registry.register_hparams_modifier
def dense_params(hparams):
    """Experts replaced by one dense feed-forward of equal parameters: moe_experts * moe_hidden
    units.

    The same capacity, all of it used at every position: costs moe_experts / moe_k times that
    layer's time.
    """
    return hparams.replace(feed_forward="equal_params")


@registry.register_hparams_modifier
def encoder_path(hparams):
    """Image classes read the encoder alone, Tensor2Tensor's shortcut, in place of the whole body.

    Cheaper a step on images, but then neither the decoder's attention nor its experts see an image.
    """
    return hparams.replace(categorical_path="encoder")


@registry.register_hparams_modifier
def separate_embeddings(hparams):
    """Input, target and softmax weights of a language net of their own instead of shared ones.

    Adds two tables of vocabulary x hidden_size a vocabulary. Expect no gain, and a loss where data
    is short.
    """
    return hparams.replace(share_embeddings=False)


@registry.register_hparams_modifier
def shared_parse_vocab(hparams):
    """Parse trees spelt in the shared subwords, as in the paper, in place of a vocabulary of tree
    symbols.

    Targets become several times as long, so a step parses fewer sentences; the language net is
    shared too.
    """
    return hparams.replace(parse_vocab="shared")
