"""Odd inputs to `predict`: each is answered, or an error in its place, in valid JSON."""

import json

from tests.fuzz import mutations, place
from tests.fuzz.runner import Kind

LONGEST = 6  # symbols of an output
TEXTS = ["I see two red rings.", "There is a green star left of the moon.", "A."]
PROBLEMS = {
    "mini_ende": "text",
    "mini_parse": "text",
    "mini_imagenet": "picture",
    "mini_speech": "sound",
}


def _begin(made):
    import t2t_mm

    model = t2t_mm.load(made / "run")
    model.warm_up(PROBLEMS, longest=LONGEST)
    return model


def _case(random, model, folder, tried):
    problem = random.choice(sorted(PROBLEMS))
    values = [_value(random, PROBLEMS[problem], folder, n) for n in range(random.choice((1, 1, 3)))]
    tried[0] = f"{problem}, {', '.join(f'{type(v).__name__} {v!r:.60}' for v in values)}"
    options = {"longest": LONGEST}
    if random.random() < 0.1:
        options[random.choice(("top", "seed", "first"))] = random.choice(mutations.ODD_JSON)
    answers = model.predict(problem, values, **options)
    assert len(answers) == len(values) and all(answers)
    json.dumps(answers, allow_nan=False)


def _value(random, kind, folder, number):
    """An input, or something that is none."""
    if random.random() < 0.15:
        return random.choice([*mutations.ODD_JSON, *mutations.ODD_BYTES, object(), 1j, {1}, [1.5]])
    if kind == "text":
        text = random.choice(TEXTS)
        if random.random() < 0.5:
            return text + random.choice(mutations.ODD_TEXT)
        damaged = mutations.of_bytes(random, text.encode())
        return damaged.decode("utf-8", random.choice(("replace", "surrogateescape", "ignore")))
    if random.random() < 0.15:
        return _array(random)
    seed = random.randrange(3)
    form = random.choice(("png", "jpg", "gif", "bmp", "webp"))
    content = place.picture(seed, form) if kind == "picture" else place.sound(seed)
    content = mutations.of_bytes(random, content)
    if random.random() < 0.5:
        return content
    path = folder / f"{number}.{form}"
    path.write_bytes(content)
    if random.random() < 0.3:
        mutations.of_file(random, path)
    return random.choice((str, lambda path: path))(path)


def _array(random):
    import numpy as np

    kind = random.choice((np.uint8, np.int16, np.int64, np.float32, np.float64, np.complex64, bool))
    shape = [random.choice((0, 1, 2, 3, 4, 40)) for _ in range(random.randrange(5))]
    values = np.random.default_rng(random.randrange(9)).normal(0, 100, shape)
    if random.random() < 0.3:
        values = values * random.choice((np.nan, np.inf, 1e30, 0))
    with np.errstate(all="ignore"):
        return values.astype(kind)


REQUESTS = Kind("requests", 0.3, _begin, _case)
