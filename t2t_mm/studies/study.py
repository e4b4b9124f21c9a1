"""What a study is: arms, each a way of training, and contrasts, what is compared between them.

    @registry.register_study
    def heads(setup):
        \"\"\"Do more heads help?\"\"\"
        arms = [setup.arm(f"{n} heads", hparams=f"num_heads={n}") for n in (1, 2, 4)]
        return Study(arms, against(arms[0], arms[1:]))

`t2t-mm-study --study=heads` trains each arm with several seeds and writes a report. Nothing heavy
is imported here.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence

from t2t_mm import mixtures, registry
from t2t_mm.errors import UserError
from t2t_mm.runs.metric import is_decoded

USUAL = ("log_perplexity", "accuracy")  # metrics that a contrast looks at


@dataclasses.dataclass(frozen=True)
class Arm:
    """One way of training, repeated with several seeds.

    Attributes:
        name: what tables call it.
        problems: what it trains on, as --problems.
        train_steps, hparams_set, hparams, model, train_examples: as the flags of these names.
        measured: the problems to measure on; all it trains on, if not given.
        starts_from: name of the arm whose run of the same seed gives the initial weights.
        as_large_as: name of another arm; the number of blocks is chosen so that this one has about
            as many parameters.
    """

    name: str
    problems: str
    train_steps: int
    hparams_set: str
    hparams: str = ""
    model: str = "multimodel"
    train_examples: int = 0
    measured: tuple[str, ...] = ()
    starts_from: str = ""
    as_large_as: str = ""

    @property
    def on(self) -> tuple[str, ...]:
        """The problems to measure on."""
        return self.measured or tuple(mixtures.parse(self.problems))

    @property
    def folder(self) -> str:
        """Name of the folder of its runs."""
        return re.sub(r"[^a-z0-9]+", "_", self.name.lower()).strip("_")


@dataclasses.dataclass(frozen=True)
class Contrast:
    """A question: does `arm` differ from `against` in this metric of this problem?"""

    arm: str
    against: str
    problem: str
    metric: str


@dataclasses.dataclass(frozen=True)
class Study:
    """Arms and contrasts.

    Attributes:
        arms: those that start from another stand after it.
        contrasts: what is compared.
        decoded: problems whose test examples are also decoded and scored.
        paper: what the paper found, in a sentence or two; shown in the report.
        sizes: {name: the arms that are one thing in several sizes}: a line each in the picture of
            figures against parameters, where other arms are points.
    """

    arms: Sequence[Arm]
    contrasts: Sequence[Contrast]
    decoded: tuple[str, ...] = ()
    paper: str = ""
    sizes: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)

    def arm(self, name: str) -> Arm:
        """The arm of that name."""
        return next(arm for arm in self.arms if arm.name == name)

    def check(self, name: str) -> None:
        """Raises a UserError for names that are there twice, or not at all."""
        names = [arm.name for arm in self.arms]
        folders = [arm.folder for arm in self.arms]
        if not names:
            raise UserError(f"The study {name} has no arms.")
        for each, folder in zip(names, folders, strict=True):
            if not folder:
                raise UserError(f"The study {name}: the name of the arm {each!r} needs a-z or 0-9.")
            if folders.count(folder) > 1:
                raise UserError(f"The study {name} has two arms called {each!r}, or almost so.")
        for number, arm in enumerate(self.arms):
            if others := set(arm.on) - set(mixtures.parse(arm.problems)):
                raise UserError(
                    f"The study {name}: {arm.name!r} is to be measured on "
                    f"{', '.join(sorted(others))}, on which it does not train."
                )
            for other in filter(None, (arm.starts_from, arm.as_large_as)):
                if other not in names[:number]:
                    raise UserError(
                        f"The study {name}: {arm.name!r} needs the arm {other!r} before it."
                    )
        for line, of_line in self.sizes.items():
            if unknown := [each for each in of_line if each not in names]:
                raise UserError(
                    f"The study {name} has no arm {unknown[0]!r}, which `sizes` names in {line!r}. "
                    f"Its arms: {', '.join(names)}."
                )
        for contrast in self.contrasts:
            self._check_metric(name, contrast)
            for side in (contrast.arm, contrast.against):
                if side not in names or contrast.problem not in self.arm(side).on:
                    raise UserError(
                        f"The study {name} compares {side!r} on {contrast.problem}, but no arm of "
                        f"that name is measured on it. Its arms: {', '.join(names)}."
                    )

    def _check_metric(self, name: str, contrast: Contrast) -> None:
        given = f"The study {name} compares {contrast.metric} of {contrast.problem}"
        problem = registry.problem(contrast.problem)
        is_score = is_decoded(problem, contrast.metric, problem.teacher_forced, given)
        if is_score and contrast.problem not in self.decoded:
            raise UserError(
                f"{given}, a score of decoded text, but `decoded` does not name {contrast.problem}."
            )


@dataclasses.dataclass(frozen=True)
class Setup:
    """What the command line asks for; a study makes its arms from it.

    Attributes:
        problems: names, in the order given.
        hparams_set, hparams, train_steps, train_examples: as the flags of these names.
    """

    problems: tuple[str, ...]
    hparams_set: str
    hparams: str
    train_steps: int
    train_examples: int = 0

    def arm(
        self,
        name: str,
        *,
        problems: str | Sequence[str] = (),
        modifier: str = "",
        hparams: str = "",
        train_steps: int = 0,
        **changes: object,
    ) -> Arm:
        """An arm with the values of the command line where no others are given.

        Args:
            name: what tables call it.
            problems: names, or one name; all of the command line, if not given.
            modifier: registered hparams modifier to put on the set.
            hparams: changes, on top of those of the command line.
            train_steps: of this arm; those of the command line, if not given.
            changes: other fields of `Arm`.
        """
        names = [problems] if problems and isinstance(problems, str) else problems
        fields: dict = {
            "problems": "+".join(names or self.problems),
            "train_steps": train_steps or self.train_steps,
            "hparams_set": self.hparams_set + (f"+{modifier}" if modifier else ""),
            "hparams": changed(self.hparams, hparams),
            "train_examples": self.train_examples,
        }
        return Arm(name, **(fields | changes))


def changed(hparams: str, changes: str) -> str:
    """A value of --hparams with others on top: "a=1,b=2" and "b=3" are "a=1,b=3"."""
    parts = [each for text in (hparams, changes) for each in text.split(",") if each]
    if wrong := [each for each in parts if "=" not in each]:
        raise UserError(f"hparams are name=value,name=value, not {wrong[0]}")
    return ",".join(
        f"{name}={value}" for name, value in dict(p.split("=", 1) for p in parts).items()
    )


def against(
    arm: Arm, others: Sequence[Arm], problem: str = "", metrics: Sequence[str] = ()
) -> list[Contrast]:
    """Contrasts of each of `others` with `arm`: on every problem that both measure, or on one, by
    the problem's log-perplexity and accuracy, or by the metrics given."""
    found = []
    for other in others:
        for name in [problem] if problem else [each for each in other.on if each in arm.on]:
            forced = registry.problem(name).teacher_forced
            usual = [each for each in USUAL if each in forced] or forced[:2]
            found += [Contrast(other.name, arm.name, name, metric) for metric in metrics or usual]
    return found


def build(name: str, setup: Setup) -> Study:
    """The registered study of that name, made for a command line.

    Raises:
        UserError, RegistryError: it is not registered, or does not fit together.
    """
    study = registry.find("study", name).value(setup)
    if not isinstance(study, Study):
        raise UserError(f"The study {name} has to return a Study, not {study!r}.")
    study.check(name)
    return study
