"""The catalogue of problems as a table: what each is, what it reads, and how to get that."""

from typing import Any

from t2t_mm import registry
from t2t_mm.problem import locate
from t2t_mm.reporting import markdown

COLUMNS = (
    "problem",
    "what it does",
    "data set",
    "licence",
    "size, about",
    "how to get it",
    "metrics",
)


def table() -> str:
    """A Markdown table of all registered problems."""
    return markdown.table(COLUMNS, (_row(registry.problem(n)) for n in registry.list_problems()))


def _row(problem: Any) -> tuple[str, ...]:
    source = problem.source
    is_built_in = locate.is_built_in(problem)
    data = "built in" if is_built_in else problem.dataset or "yours"
    metrics = dict.fromkeys((*problem.teacher_forced, *problem.metrics))
    return (
        f"`{problem.name}`",
        problem.description.rstrip("."),
        data,
        locate.licence(problem) or "yours",
        source.size if source else "",
        _way(problem, is_built_in),
        ", ".join(metrics),
    )


def _way(problem: Any, is_built_in: bool) -> str:
    source = problem.source
    if is_built_in:
        return "generated"
    if not source:
        return "yours"
    page = " and ".join(f"[{_host(address)}]({address})" for address in source.page.split(" and "))
    folder = f"`<raw_dir>/{problem.folder}`"
    own = f" or {folder}" if problem.raw_layout else ""
    if not source.by_hand:
        return f"downloaded by TFDS{own} ({page})"
    free = f"; free: `{source.free}`" if source.free else ""
    return f"by hand: {source.by_hand} ({page}){own if problem.dataset else f', in {folder}'}{free}"


def _host(address: str) -> str:
    return address.split("/")[2].removeprefix("www.") if "//" in address else address
