"""The page: a tab for each problem, with its inputs, the answer, and what led to it."""

import html
import io
import itertools
from collections.abc import Iterator
from typing import Any

import gradio as gr

from t2t_mm.demo.media import MEDIA, SAVING
from t2t_mm.errors import UserError
from t2t_mm.inference.exported import ExportedPredictor
from t2t_mm.inference.run import RunPredictor
from t2t_mm.reporting import examples

EXAMPLES = 50  # of a split, that a tab shows in turn
NARROW = 100  # pixels of a button, so that they stand side by side
WAITING = 64  # requests in the queue
# The model has one place to be watched from, and one request has all cores anyway.
ONE_AT_A_TIME: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "model"}


def page(
    model: RunPredictor | ExportedPredictor, data_dir: str = "", method: Any = None, name: str = ""
) -> Any:
    """The page of a model, to be launched.

    Args:
        model: from `t2t_mm.load`.
        data_dir: prepared data to take examples from; "": there are none.
        method: of decoding, of a run: decoding.Beam, ...; greedy if not given.
        name: of the model, for the heading.
    """
    with gr.Blocks(title=name or "T2T-MM", analytics_enabled=False) as made:
        gr.Markdown(f"## {name}", visible=bool(name))
        for problem in model.problems:
            with gr.Tab(problem):
                Tab(model, problem, data_dir, method).show()
    return made.queue(max_size=WAITING, default_concurrency_limit=1)


def told(message: str) -> Exception:
    """What is raised to tell a visitor something; the fault is not ours."""
    return gr.Error(html.escape(message[:300]), print_exception=False)


class Tab:
    """One problem on the page.

    Args:
        model, data_dir, method: as of `page`.
        name: of the problem.
    """

    def __init__(self, model: Any, name: str, data_dir: str, method: Any) -> None:
        self.model, self.name, self.is_run = model, name, isinstance(model, RunPredictor)
        self.inputs = model.sides(name)[0]
        self.how = {"method": method} if self.is_run and method else {}
        self.examples = self._examples(data_dir) if self.is_run and data_dir else None

    def show(self) -> None:
        """Puts the tab's components on the page."""
        if self.is_run:
            gr.Markdown(self.model.problem(self.name).description)
        with gr.Row():
            with gr.Column():
                media = [MEDIA[spec.medium] for spec in self.fields.values()]
                given = [
                    medium.component(field or "input")
                    for field, medium in zip(self.fields, media, strict=True)
                ] or [gr.Textbox(label="beginning of the output, or nothing")]
                with gr.Row():
                    ask = gr.Button("Answer", variant="primary", min_width=NARROW)
                    example = gr.Button(
                        "An example", min_width=NARROW, visible=self.examples is not None
                    )
                    look = gr.Button("Look inside", min_width=NARROW, visible=self.is_run)
            with gr.Column():
                text = gr.Textbox(label="answer", lines=2, interactive=False)
                more = gr.HTML(visible=False)
                bars = gr.Label(label="probabilities", show_heading=False, visible=False)
                best = gr.Dataframe(
                    headers=["output", "score"],
                    label="best outputs",
                    column_widths=["80%", "20%"],
                    wrap=True,
                    visible=False,
                )
        inside = gr.Image(label="attention, and experts", visible=False, buttons=SAVING)
        shown = [text, bars, best, more, inside]
        typed = [each.submit for each in given if isinstance(each, gr.Textbox)]
        gr.on([ask.click, *typed], self.answer, given, shown, **ONE_AT_A_TIME)
        told = example.click(self.example, [], given, **ONE_AT_A_TIME)
        told.success(self.answer, given, shown, **ONE_AT_A_TIME)
        look.click(self.explain, given, [inside], **ONE_AT_A_TIME)

    @property
    def fields(self) -> dict[str, Any]:
        """{name of an input: its modality}; {} of a problem without inputs."""
        return self.inputs.fields if self.inputs.is_stored else {}

    def answer(self, *given: Any) -> list[Any]:
        """What the components of an answer show; what was seen inside of the last goes."""
        found = self.model.predict(self.name, self._value(given), **self.how, **self._prefix(given))
        if "error" in found:
            raise told(found["error"])
        bars = dict(found.get("top", ())) or found.get("probabilities") or {}
        best = [[text, f"{score:.2f}"] for text, score in found.get("n_best", ())]
        shown = str(found.get("outputs", found.get("label", "")))
        drawn = self._drawn(shown)
        return [
            shown,
            gr.update(value=bars, visible=bool(bars)),
            gr.update(value=best, visible=len(best) > 1),
            gr.update(value=f"<pre>{html.escape(drawn)}</pre>", visible=bool(drawn)),
            gr.update(visible=False),
        ]

    def explain(self, *given: Any) -> Any:
        """The picture of attention and experts."""
        from PIL import Image

        from t2t_mm.inference.explain import explain
        from t2t_mm.reporting.plots import draw

        try:
            picture = draw(explain(self.model, self.name, self._value(given)), "png")
        except UserError as error:
            raise told(str(error)) from error
        return gr.update(value=Image.open(io.BytesIO(picture)), visible=True)

    def example(self) -> Any:
        """The next example of the data, in the components of the inputs."""
        told = next(self.examples)
        values = [told] if not isinstance(told, dict) else [told.get(f) for f in self.fields]
        shown = [
            None if value is None else MEDIA[spec.medium].shown(spec, value)
            for spec, value in zip(self.fields.values(), values, strict=True)
        ]
        return shown[0] if len(shown) == 1 else shown

    def _value(self, given: tuple) -> Any:
        """The input that the components hold."""
        values = {field: each or None for field, each in zip(self.fields, given, strict=False)}
        if values and not any(values.values()):
            raise told(f"Give {self.inputs.prompt.removeprefix('the path of ')}.")
        return values.get("") if len(values) < 2 else values

    def _prefix(self, given: tuple) -> dict[str, Any]:
        return {"prefix": given[0]} if not self.fields and given[0] else {}

    def _drawn(self, answer: str) -> str:
        """More to be seen of an answer, such as a tree."""
        return "\n".join(self.model.problem(self.name).drawn(answer)) if self.is_run else ""

    def _examples(self, data_dir: str) -> Iterator[Any] | None:
        """Examples of the validation split, for ever; None where there are none."""
        problem = self.model.problem(self.name).located(data_dir)
        if not self.fields or "validation" not in problem.splits():
            return None
        found = examples.read(problem, "validation", EXAMPLES)
        return itertools.cycle([problem.inputs.told(each["inputs"]) for each in found])
