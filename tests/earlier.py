"""Reading as version 0.1.0 did, whose runs go on in their own order."""

from t2t_mm.data.pipeline.earlier import EarlierStream
from t2t_mm.data.pipeline.stream import Inputs


def read_as_before(monkeypatch):
    """Has new runs read, and save, as those of version 0.1.0."""

    def fresh(self, name, step):
        return EarlierStream(self._batching(name, 5))

    monkeypatch.setattr(Inputs, "_fresh", fresh)
