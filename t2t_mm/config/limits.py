"""What a number may be at most, where more would only fill the memory or lose all digits."""

INT32 = 2**31 - 1  # of what TensorFlow counts with
MOST_HYPOTHESES = 4096  # of beam search and sampling, for one input
MOST_SYMBOLS = 2**16  # of an output, for which there is room from the start
MOST_ALPHA = 100.0  # length penalty of beam search
LEAST_TEMPERATURE, MOST_TEMPERATURE = 1e-3, 1e3  # of sampling
