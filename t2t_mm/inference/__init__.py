"""A trained model in a program: what it answers, and how that came about."""

from t2t_mm.quiet import import_tensorflow

import_tensorflow()
