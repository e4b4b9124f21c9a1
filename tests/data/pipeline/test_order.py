"""The order of training: each record once a pass, found again from its number, files shared."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.data.pipeline.order import Order
from t2t_mm.problem.stored import Part, Records, of_dataset

FILES = (7, 5, 8, 5)


@pytest.fixture
def opened():
    """The paths of the files that have been opened, in order."""
    return []


@pytest.fixture
def records(tmp_path, opened):
    """24 records, "<file>.<place>", in four files: without the first of the last one."""

    def note(path):
        opened.append(path.decode())
        return path

    def read(path, skip, take):
        path = tf.data.Dataset.from_tensors(path).map(
            lambda path: tf.ensure_shape(tf.numpy_function(note, [path], tf.string), [])
        )
        return path.flat_map(tf.data.TFRecordDataset).skip(skip).take(take)

    for number, count in enumerate(FILES):
        with tf.io.TFRecordWriter(str(tmp_path / str(number))) as file:
            for place in range(count):
                file.write(f"{number}.{place}")
    parts = [
        Part(str(tmp_path / str(i)), int(i == 3), n - int(i == 3)) for i, n in enumerate(FILES)
    ]
    return Records(tuple(parts), read, lambda record: {"inputs": record})


def take(data, count):
    return [(int(number), record) for number, record in data.take(count).as_numpy_iterator()]


def test_each_record_comes_once_a_pass_in_another_order(records):
    order = Order(records, 3, 5)
    found = take(order.since(0), 3 * order.count)
    assert [number for number, _ in found] == list(range(3 * 24))
    passes = [[record for _, record in found[i : i + 24]] for i in (0, 24, 48)]
    stored = sorted(example["inputs"].numpy() for example in records.examples())
    assert [sorted(each) for each in passes] == [stored] * 3 and b"3.0" not in stored
    assert len(set(map(tuple, passes))) == 3
    assert passes[0] == [record for _, record in take(Order(records, 3, 5).since(0), 24)]
    assert passes[0] != [record for _, record in take(Order(records, 4, 5).since(0), 24)]


def test_it_goes_on_from_any_number(records):
    order = Order(records, 8, 6)
    whole = take(order.since(0), 60)
    for number in (0, 5, 6, 23, 24, 49):
        assert take(order.since(number), 10) == whole[number : number + 10]


def test_records_are_found_again_by_their_numbers_and_each_file_is_read_once(records, opened):
    order = Order(records, 8, 6)
    whole = take(order.since(0), 100)
    numbers = np.array([99, 3, 50, 51, 4, 23, 24, 70])
    opened.clear()
    assert take(order.at(numbers), 10) == [whole[number] for number in numbers]
    assert len(opened) == len(set(opened)) <= 4


def test_shares_are_even_and_hold_each_record_once(records):
    shares = [records.share(i, 5) for i in range(5)]
    assert {share.count for share in shares} == {4, 5}
    found = [[e["inputs"].numpy() for e in share.examples()] for share in shares]
    assert list(itertools.chain(*found)) == [e["inputs"].numpy() for e in records.examples()]
    few = [records.share(i, 30) for i in range(30)]
    assert sum(share.count for share in few) == 24 and not list(few[0].examples())


def test_two_workers_read_each_file_once_between_them(records, opened):
    by_worker = []
    for worker in (0, 1):
        order = Order(records.share(worker, 2), 1, 4)
        take(order.since(0), 5 * order.count)
        by_worker.append(opened[:])
        opened.clear()
    assert [len(set(files)) for files in by_worker] == [2, 2] and not set.intersection(
        *map(set, by_worker)
    )
    for files in by_worker:  # once a pass: the last files are of a pass that was just begun
        assert all(len(set(files[i : i + 2])) == 2 for i in range(0, 10, 2)) and len(files) < 14


def test_a_file_that_has_lost_its_end_shifts_no_number(records):
    path, skip, taken = records.parts[0]
    longer = Records((Part(path, skip, taken + 2), *records.parts[1:]), records.read, records.parse)
    with pytest.raises(tf.errors.OpError, match="expected to contain 26 elements"):
        take(Order(longer, 0, 100).since(0), 26)


def test_examples_in_no_file_have_an_order_too():
    texts = tf.ragged.constant([["a"], ["b", "c"], [], ["d"]])
    data = tf.data.Dataset.from_tensor_slices({"targets": texts, "inputs": tf.range(4)})
    records = of_dataset(data, 4)
    order = Order(records, 1, 3)
    found = [records.parse(record) for _, record in order.since(0).take(4)]
    assert sorted(int(example["inputs"]) for example in found) == [0, 1, 2, 3]
    again = [records.parse(record) for _, record in order.at(np.arange(4))]
    for one, other in zip(found, again, strict=True):
        assert one["targets"].numpy().tolist() == other["targets"].numpy().tolist()
    assert found[0]["targets"].dtype == tf.string
