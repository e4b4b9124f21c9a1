"""What the server of tests/commands.py has imported before it forks: the commands' libraries, as
commands import them."""

from t2t_mm.cli import app

app.import_tensorflow()

import keras  # noqa: E402, F401
import tensorflow as tf  # noqa: E402
import tensorflow_datasets  # noqa: E402, F401
import tensorflow_text  # noqa: E402, F401

# As in conftest.py: what commands of tests compile runs for a moment.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
