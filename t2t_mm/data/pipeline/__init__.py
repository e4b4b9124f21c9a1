"""Input pipelines: reading, encoding, bucketing, batching and mixing; tf.data only."""
