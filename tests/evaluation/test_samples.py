"""Workers share out what is decoded while a model is trained."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from t2t_mm.config.run import RunConfig
from t2t_mm.evaluation.evaluation import RunEvaluator
from t2t_mm.evaluation.evaluator import Stopped
from t2t_mm.evaluation.samples import SampleDecoder
from t2t_mm.execution.replicas import Replicas
from tests.toys import TINY, Toy

BATCHES = [[0, 1], [2], [3, 4], [5], [6]]


class Two(Replicas):
    """The replicas of one of two workers, which are threads."""

    meeting, values = threading.Barrier(2), {}

    def __init__(self, worker):
        super().__init__()
        self.workers, self.worker, self.is_chief = 2, worker, worker == 0

    def from_all(self, values):
        self.values[self.worker] = values
        self.meeting.wait(300)
        found = [self.values[worker] for worker in range(2)]
        self.meeting.wait(300)
        return found


def shared_out(stops):
    """What each of two workers makes of BATCHES, as (results, the batches that it did itself)."""

    def of(worker):
        decoder, done = SampleDecoder(None, [Toy()], TINY, 3, Two(worker)), []
        decoder.predictor.stop = lambda: stops[worker]
        try:
            work = lambda batch: done.append(batch) or [{"outputs": i} for i in batch]  # noqa: E731
            return decoder.predictor.shared_out(work, BATCHES), done
        except Stopped:
            return None, done

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(of, range(2)))


def test_each_worker_decodes_its_share_and_has_all_answers():
    wanted = [[{"outputs": i} for i in batch] for batch in BATCHES]
    assert shared_out([False, False]) == [(wanted, BATCHES[::2]), (wanted, BATCHES[1::2])]


@pytest.mark.parametrize("stops", [[True, False], [False, True]])
def test_a_worker_that_is_stopped_stops_the_others(stops):
    assert [results for results, _ in shared_out(stops)] == [None, None]


def test_all_workers_decode_the_same_problems_and_the_chief_draws():
    config = RunConfig(decode_examples=2)
    decoders = [
        RunEvaluator(None, [Toy()], TINY, config, Two(worker), draws=True).decoder
        for worker in range(2)
    ]
    assert [decoder.draws for decoder in decoders] == [True, False]
    first, second = (list(decoder.problems) for decoder in decoders)
    assert first == second and decoders[1].predictor.replicas.worker == 1
