"""Distribution strategies: which devices and machines a run uses."""

import os

import tensorflow as tf

from t2t_mm import compat
from t2t_mm.errors import UserError, first_line
from t2t_mm.execution import cluster, meeting, signals

PATIENCE = 60.0  # seconds without a sign of life until a worker counts as lost


def make_strategy(name: str = "auto") -> tf.distribute.Strategy:
    """The distribution strategy of that name.

    To be called before anything is computed: workers find each other only at the start.

    Args:
        name: one of
            auto: the first of the following that the machine is made for;
            multi_worker: the machines that TF_CONFIG lists, each with all its GPUs, or its CPU;
            tpu: the TPU of this machine, or the one that TPU_NAME names;
            mirrored: all GPUs of this machine; without any, its logical CPUs;
            one_device: the first GPU, or the CPU.

    Raises:
        UserError: if the machine is not made for it.
    """
    one = tf.distribute.get_strategy
    makers = {"one_device": one, "mirrored": _mirrored, "multi_worker": _multi_worker, "tpu": _tpu}
    name = _fitting() if name == "auto" else name
    if name not in makers:
        raise UserError(f"A strategy is auto, {', '.join(makers)}; not {name!r}.")
    made = makers[name]()
    # Alone, a replica has nothing to mirror.
    return one() if made.num_replicas_in_sync == 1 and name != "tpu" else made


def of_this_machine(name: str = "auto") -> tf.distribute.Strategy:
    """As `make_strategy`, of devices of this machine alone, whatever TF_CONFIG and TPU_NAME say.

    Args:
        name: one_device, mirrored, or auto: mirrored if there are several GPUs, else one device.
    """
    return make_strategy(_fitting_here() if name == "auto" else name)


def mirrored_cpus(count: int) -> tf.distribute.Strategy:
    """The strategy over so many logical CPUs, to try things out."""
    # Collectives would take all strategies of a process for one, of the size of the first.
    return tf.distribute.MirroredStrategy(
        [f"CPU:{i}" for i in range(count)], tf.distribute.ReductionToOneDevice()
    )


def device_name() -> str:
    """The device that TensorFlow computes on, in words."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        count = tf.config.threading.get_intra_op_parallelism_threads()
        return "CPU, one thread an operation" if count == 1 else f"CPU, {count or 'all'} threads"
    names = [tf.config.experimental.get_device_details(g).get("device_name", "GPU") for g in gpus]
    return f"{names[0]} (the first of {len(names)})" if len(names) > 1 else names[0]


def _fitting() -> str:
    if cluster.workers() > 1:
        return "multi_worker"
    if os.environ.get("TPU_NAME") or tf.config.list_physical_devices("TPU"):
        return "tpu"
    return _fitting_here()


def _fitting_here() -> str:
    return "mirrored" if len(tf.config.list_physical_devices("GPU")) > 1 else "one_device"


def _mirrored():
    gpus = tf.config.list_logical_devices("GPU")
    if gpus:
        return tf.distribute.MirroredStrategy([device.name for device in gpus])
    return mirrored_cpus(len(tf.config.list_logical_devices("CPU")))


def _multi_worker():
    cluster.check()
    meeting.meet()
    try:
        with signals.held(), compat.patient_with_workers(PATIENCE):
            return tf.distribute.MultiWorkerMirroredStrategy()
    except tf.errors.OpError as error:
        raise UserError(
            f"This worker can't join the others of TF_CONFIG ({first_line(error)[:200]}). Its own "
            "port has to be free, and the chief's open to all. Start the same command on all of "
            "them again."
        ) from error


def _tpu():
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(
            os.environ.get("TPU_NAME", "local")
        )
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return tf.distribute.TPUStrategy(resolver)
    except (ValueError, RuntimeError, tf.errors.OpError) as error:
        raise UserError(f"--strategy=tpu finds no TPU: {error}") from error
