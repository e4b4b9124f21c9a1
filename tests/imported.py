"""TensorFlow as the tests have it, and the libraries that commands import: for conftest.py, and for
the server of commands.py, which imports this before it forks."""

from t2t_mm.cli import app

app.import_tensorflow()

import keras  # noqa: E402, F401
import tensorflow as tf  # noqa: E402
import tensorflow_datasets  # noqa: E402, F401
import tensorflow_text  # noqa: E402, F401
from tensorflow.python.util import tf_stack  # noqa: E402

# Most tests compile a model and run it for a moment: optimising its graph takes longer than it
# saves.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})

# Every operation of a graph remembers where it was made, for messages of TensorFlow's own. To walk
# up the stack of a test is a tenth of what compiling takes: they all get this place.
_here = tf_stack.extract_stack()
tf_stack.extract_stack = lambda stacklevel=1: _here
