"""The MultiModel: modality nets around one body, for any set of problems (Kaiser et al., arXiv
1706.05137)."""

from typing import Any

import keras

from t2t_mm.layers import parts
from t2t_mm.layers.incremental import Position
from t2t_mm.models.base import ProblemModel
from t2t_mm.models.body import Decoder, Encoder, Mixer
from t2t_mm.models.variables import count


class MultiModel(ProblemModel):
    """One model for many problems: modality nets, encoder, I/O mixer and decoder.

    Arguments and results are those of every `ProblemModel`.
    """

    def make_body(self) -> None:
        self.encoder = Encoder(self.hparams, self.seed, name="encoder")
        self.mixer = Mixer(self.hparams, self.seed, name="mixer")
        self.decoder = Decoder(self.hparams, self.seed, name="decoder")
        for layer in self.body_layers:
            layer.build((None, None, self.hparams.hidden_size))

    @property
    def body_layers(self) -> list[keras.layers.Layer]:
        return [self.encoder, self.mixer, self.decoder]

    def body(
        self, previous: Any, mask: Any, encoding: Any, encoding_mask: Any, training: bool = False
    ) -> tuple[Any, dict]:
        mixed = previous, encoding, encoding_mask
        x = parts.run(self.mixer, self.mixer, *mixed, training=training)
        return self.decoder(x, mask, encoding, encoding_mask, training=training)

    def remember_source(self, encoding: Any, mask: Any) -> Any:
        return {
            "mixer": self.mixer.remember(encoding, mask),
            "decoder": self.decoder.remember(encoding),
        }

    def start_body(self, batch: Any, beam: int, length: Any) -> Any:
        return {
            "mixer": self.mixer.start(batch, beam, length),
            "decoder": self.decoder.start(batch, beam, length),
        }

    def step_body(self, x: Any, memory: Any, mask: Any, position: Position, state: Any) -> tuple:
        x, mixer = self.mixer.step(x, memory["mixer"], mask, position, state["mixer"])
        x, decoder = self.decoder.step(x, memory["decoder"], mask, position, state["decoder"])
        return x, {"mixer": mixer, "decoder": decoder}

    @property
    def attention_places(self) -> list[str]:
        decoder = [f"decoder {i + 1}" for i in range(len(self.decoder.attention))]
        return ["mixer", *decoder] if self.hparams.attention else []

    @property
    def expert_places(self) -> list[str]:
        if self.hparams.feed_forward != "experts":
            return []
        layers = {"encoder": self.encoder, "decoder": self.decoder}
        return [name for name, layer in layers.items() if layer.experts]

    def parameter_counts(self) -> dict[str, int]:
        counts = super().parameter_counts()
        experts = sum(count(part.experts) for part in (self.encoder, self.decoder) if part.experts)
        return counts | {"experts": experts, "body": counts["body"] - experts}
