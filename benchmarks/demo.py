"""Uses the page of t2t-mm-demo as people do, in Chromium, and says what came of it.

    pip install -e '.[demo]' playwright
    python benchmarks/demo.py --output_dir=output/mini8 --data_dir=data --screenshots=shots
    python benchmarks/demo.py --export_dir=export --data_dir=data --browser=/usr/bin/chromium
    python benchmarks/demo.py --output_dir=output/mini8 --data_dir=data --first_answers

On each tab it has an example answered, types or uploads an input of its own, and looks inside; then
it records the browser's made-up sound, sends a broken picture, a megabyte of text, and nothing,
and asks as eight people at once. An answer is right if `t2t_mm.load` gives it. Nothing may stand in
the browser's console, and nothing may be asked of another host. It ends with 1 if anything was not
right. With --first_answers it says only how soon the page stands there and each tab has answered.
"""

import argparse
import contextlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

USERS = 8
BEAM = 4  # as the demo's own default
PATIENCE = 300_000  # milliseconds; what comes first is compiled
MICROPHONE = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
FILES = {"picture": ("input.png", "image/png"), "sound": ("input.wav", "audio/wav")}
PANEL = "[role=tabpanel]:visible"
CLEAR = "[aria-label='Clear'], [aria-label='Remove Image']"


class Visitor:
    """One person with a page.

    Args:
        context: of Playwright's browser.
        address: of the page.
        faults: what the console says, and requests to other hosts, are added to this list.
    """

    def __init__(self, context: Any, address: str, faults: list[str]) -> None:
        self.page, self.host, self.faults = context.new_page(), urlsplit(address).netloc, faults
        self.page.set_default_timeout(PATIENCE)
        self.page.on("console", lambda told: told.type == "error" and faults.append(told.text))
        self.page.on("pageerror", lambda error: faults.append(str(error)))
        self.page.on("request", lambda request: self._asked(request.url))
        self.page.goto(address)

    def _asked(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.netloc and parts.netloc != self.host:
            self.faults.append(f"asked for {url}")

    def open(self, problem: str) -> None:
        """Goes to a tab."""
        self.page.get_by_role("tab", name=problem, exact=True).click()

    def on_tab(self, selector: str) -> Any:
        """What is to be seen on the open tab."""
        return self.page.locator(PANEL).locator(selector).locator("visible=true")

    def press(self, name: str) -> None:
        """Presses a button: its text, or what a picture on it is called."""
        named = self.on_tab(f"[aria-label='{name}']")
        button = self.on_tab("button").get_by_text(name, exact=True)
        named.or_(button).first.click()

    def give(self, medium: str, content: str | bytes) -> None:
        """Types a text, or uploads a file in the place of another."""
        if isinstance(content, str):
            return self.on_tab("textarea").first.fill(content)
        self.clear()
        name, kind = FILES[medium]
        field = self.page.locator(PANEL).locator("input[type=file]").first
        field.set_input_files({"name": name, "mimeType": kind, "buffer": content})
        return self.on_tab(CLEAR).wait_for()

    def clear(self) -> None:
        """Takes a file away, if there is one."""
        if self.on_tab(CLEAR).count():
            self.on_tab(CLEAR).first.click()
            self.on_tab(CLEAR).wait_for(state="detached")

    def record(self) -> None:
        """Speaks into the microphone."""
        self.clear()
        for name in ("Record audio", "Record", "Stop"):
            self.press(name)
            self.page.wait_for_timeout(1500)
        self.on_tab("[aria-label='Play']").wait_for()

    def answer(self, expected: str | None = None) -> str:
        """The answer that stands there; waits for the one expected, or any."""
        from playwright.sync_api import TimeoutError as Late

        shown = self.on_tab("textarea").last
        script = "([shown, text]) => text === null ? shown.value : shown.value === text"
        with contextlib.suppress(Late):
            self.page.wait_for_function(script, arg=[shown.element_handle(), expected])
        return shown.input_value()

    def message(self) -> str:
        """What the page tells, and no second message; closes it."""
        told = self.page.get_by_test_id("toast-body")
        told.first.wait_for()
        text = " | ".join(" ".join(each.inner_text().split()) for each in told.all())
        self.page.get_by_test_id("toast-close").first.click()
        told.first.wait_for(state="detached")
        return text


class Check:
    """The model beside the page, and what was found.

    Args:
        model: of `t2t_mm.load`.
        data_dir: prepared data, to take inputs from.
        folder: of screenshots; None: there are none.
    """

    def __init__(self, model: Any, data_dir: str, folder: Path | None) -> None:
        from t2t_mm.decoding import Beam
        from t2t_mm.inference.run import RunPredictor

        self.model, self.data_dir, self.folder, self.wrong = model, data_dir, folder, 0
        self.is_run = isinstance(model, RunPredictor)
        self.how = {"method": Beam(BEAM)} if self.is_run else {}

    def tell(self, what: str, is_right: bool, more: str = "") -> None:
        """Prints a line."""
        self.wrong += not is_right
        print(f"{'right' if is_right else 'WRONG'}  {what}{more and ': '}{more[:200]}", flush=True)

    def inputs(self, name: str, count: int) -> list[Any]:
        """The first inputs of a problem's validation split, as a person gives them."""
        from t2t_mm import registry
        from t2t_mm.reporting import examples

        problem = self.model.problem(name) if self.is_run else registry.problem(name)
        found = examples.read(problem.located(self.data_dir), "validation", count)
        return [problem.inputs.told(each["inputs"]) for each in found]

    def sent(self, name: str, value: Any) -> Any:
        """An input as it is typed or uploaded."""
        spec = self.model.sides(name)[0]
        return value if isinstance(value, str) else spec.sent(spec.read(value))

    def expected(self, name: str, value: Any) -> str:
        """The model's own answer."""
        found = self.model.predict(name, value, **self.how)
        return str(found.get("outputs", found.get("label", "")))

    def tab(self, visitor: Visitor, name: str) -> None:
        """Has an example answered, gives an input, and looks inside."""
        visitor.open(name)
        first, second = self.inputs(name, 2)
        if self.is_run:
            wanted = self.expected(name, first)
            visitor.press("An example")
            self.tell(f"{name}, an example", (found := visitor.answer(wanted)) == wanted, found)
        visitor.give(self.model.sides(name)[0].medium, self.sent(name, second))
        wanted = self.expected(name, second)
        visitor.press("Answer")
        self.tell(f"{name}, given", (found := visitor.answer(wanted)) == wanted, found)
        self.keep(visitor, name)
        if self.is_run:
            visitor.press("Look inside")
            visitor.on_tab("label").get_by_text("attention, and experts").wait_for()
            visitor.on_tab("img").last.wait_for()
            self.tell(f"{name}, inside", True)
            self.keep(visitor, f"{name}_inside")

    def keep(self, visitor: Visitor, name: str) -> None:
        """Keeps a screenshot of what is on the page."""
        if self.folder:
            visitor.page.mouse.move(0, 0)
            visitor.page.wait_for_timeout(500)  # until what moves has come to rest
            visitor.page.screenshot(path=self.folder / f"{name}.png", full_page=True)

    def of_medium(self, medium: str) -> str | None:
        """The first problem with such an input."""
        names = (n for n in self.model.problems if self.model.sides(n)[0].medium == medium)
        return next(names, None)

    def mistakes(self, visitor: Visitor) -> None:
        """Gives what can't be answered."""
        for medium, content, what in (
            ("picture", b"\x89PNG\r\n\x1a\n" + bytes(1000), "a broken picture"),
            ("text", "red ring " * 111_111, "a megabyte of text"),
            ("text", "", "nothing"),
        ):
            if name := self.of_medium(medium):
                visitor.open(name)
                visitor.give(medium, content)
                visitor.press("Answer")
                told = visitor.message()
                self.tell(what, "|" not in told and len(told) < 300, told)

    def crowd(self, visitors: list[Visitor]) -> None:
        """All ask at once, each something else."""
        if name := self.of_medium("text"):
            texts = self.inputs(name, len(visitors))
            for visitor, text in zip(visitors, texts, strict=True):
                visitor.open(name)
                visitor.give("text", text)
            for visitor in visitors:
                visitor.press("Answer")
            wanted = [self.expected(name, text) for text in texts]
            pairs = zip(visitors, wanted, strict=True)
            right = sum(visitor.answer(text) == text for visitor, text in pairs)
            self.tell(f"{right} of {len(visitors)} at once", right == len(visitors))

    def all(self, browser: Any, address: str, problems: list[str]) -> None:
        """Everything; the tabs are those of the problems."""
        faults: list[str] = []
        size = {"width": 1180, "height": 400}
        visitor = Visitor(browser.new_context(viewport=size), address, faults)
        for name in problems:
            self.tab(visitor, name)
        if name := self.of_medium("sound"):
            visitor.open(name)
            visitor.record()
            visitor.press("Answer")
            visitor.page.wait_for_timeout(3000)
            self.tell("the microphone", True, visitor.answer())
        self.mistakes(visitor)
        self.crowd([Visitor(browser.new_context(), address, faults) for _ in range(USERS)])
        self.tell("the console, and other hosts", not faults, "; ".join(faults))


def first_answers(browser: Any, address: str, started: float) -> None:
    """Has each tab answer an example, and prints the seconds since the demo was started."""
    visitor = Visitor(browser.new_context(), address, [])
    tabs = visitor.page.get_by_role("tab")
    tabs.first.wait_for()
    print(f"{time.monotonic() - started:6.1f} s  the page", flush=True)
    for name in tabs.all_inner_texts():
        visitor.open(name)
        visitor.press("An example")
        answer = visitor.answer()
        print(f"{time.monotonic() - started:6.1f} s  {name}: {answer[:100]}", flush=True)


@contextlib.contextmanager
def served(words: list[str], errors: Any) -> Iterator[str]:
    """The address of a demo in a process of its own, whose standard error goes to a file."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address, command = f"http://127.0.0.1:{port}/", [sys.executable, "-m", "t2t_mm", "demo"]
    with subprocess.Popen([*command, f"--port={port}", *words], stderr=errors) as process:
        try:
            while process.poll() is None:
                with contextlib.suppress(OSError), urllib.request.urlopen(address):
                    break
                time.sleep(0.5)
            yield address
        finally:
            process.terminate()


def main() -> None:
    """Prints a line for each thing that was tried."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--output_dir", help="of a run")
    place.add_argument("--export_dir", help="of an export")
    parser.add_argument("--data_dir", required=True, help="prepared data, to take inputs from")
    parser.add_argument("--browser", default="/usr/bin/chromium", help="path of Chromium")
    parser.add_argument("--problems", default="", help="tabs, comma-separated; all, if not given")
    parser.add_argument("--screenshots", type=Path, help="folder for pictures of the tabs")
    parser.add_argument(
        "--first_answers", action="store_true", help="only time the first answer of each tab"
    )
    args = parser.parse_args()
    if args.first_answers and not args.output_dir:
        parser.error("--first_answers wants --output_dir: an export's page has no examples")

    from playwright.sync_api import sync_playwright

    import t2t_mm

    words = [f"--export_dir={args.export_dir}"]
    if args.output_dir:
        words = [f"--output_dir={args.output_dir}", f"--data_dir={args.data_dir}"]
    if args.first_answers:
        started = time.monotonic()
        with served(words, None) as address, sync_playwright() as driver:
            first_answers(driver.chromium.launch(executable_path=args.browser), address, started)
        return
    if args.screenshots:
        args.screenshots.mkdir(parents=True, exist_ok=True)
    check = Check(t2t_mm.load(args.output_dir or args.export_dir), args.data_dir, args.screenshots)
    problems = list(filter(None, args.problems.split(","))) or list(check.model.problems)
    with tempfile.TemporaryFile("w+") as errors:
        with served(words, errors) as address, sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=args.browser, args=MICROPHONE)
            check.all(browser, address, problems)
            browser.close()
        errors.seek(0)
        told = errors.read()
        check.tell("the demo's standard error", not told, told)
    sys.exit(bool(check.wrong))


if __name__ == "__main__":
    main()
