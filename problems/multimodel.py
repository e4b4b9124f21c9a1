"""The eight problems of the paper together."""

from t2t_mm import registry


@registry.register_mixture
def multimodel8():
    """The eight problems of the paper, equally often (Kaiser et al. 2017)."""
    names = [
        "wsj_speech",
        "imagenet",
        "coco_captions",
        "wsj_parse",
        "wmt_ende",
        "wmt_deen",
        "wmt_enfr",
        "wmt_fren",
    ]
    return dict.fromkeys(names)
