"""A table of a user's own, from the file to a score."""

import math

from t2t_mm import registry
from t2t_mm.config.run import RunConfig
from t2t_mm.data import prepare, upkeep
from t2t_mm.reporting.console import Silent
from t2t_mm.training.trainer import Trainer
from tests.toys import TINY

TONE = '''
from t2t_mm import Categorical, Language, Problem, registry

@registry.register_problem
class Verdict(Problem):
    """Tone of a sentence."""
    raw_layout = "csv"
    input_key, target_key = "text", "label"
    command = "to-tone"
    inputs = Language(vocab="tone", size=280)
    targets = Categorical(labels="tone")
    hold_out = "validation:0.2"
'''


def test_a_class_of_ten_lines_is_prepared_trained_and_evaluated(tmp_path, write, apart):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/verdict.py").write_text(TONE)
    lines = [
        f"this one is {'fine' if i % 3 else 'awful'} {i},{['sad', 'glad', 'glad'][i % 3]}\n"
        for i in range(60)
    ]
    path = write("verdict/train.csv", "text,label\n" + "".join(lines))
    registry.load_directory(str(tmp_path / "mine"))
    tone, said = registry.problem("verdict").configure(TINY), []
    prepare.prepare([tone], tmp_path / "data", tmp_path / "raw", said.append)
    (resolved,) = prepare.resolve([tone], tmp_path / "data", TINY, said.append)
    assert sum(resolved.splits().values()) == 60 and resolved.targets.names == ("glad", "sad")
    config = RunConfig(model="transformer", train_steps=2, eval_every=0)
    trainer = Trainer([resolved], TINY, config, tmp_path / "run", console=Silent())
    trainer.train()
    found = trainer.evaluate("validation")["verdict"]
    assert 0 <= found["accuracy"] <= 100 and math.isfinite(found["log_perplexity"])
    assert not any("has changed" in line for line in said)
    path.write_text("text,label\nnothing,glad\n")
    upkeep.tell(tone, resolved.folder_of_data, said.append)
    assert "what it was prepared from has changed: train.csv (24 bytes, was" in said[-1]
