"""The catalogue of problems as a table: what each is, what it reads, and how to get that."""

from t2t_mm import registry
from t2t_mm.problem import locate

COLUMNS = (
    "problem",
    "what it does",
    "data set",
    "licence",
    "size, about",
    "how to get it",
    "metrics",
)
TEACHER_FORCED = {
    "categorical": ("accuracy", "accuracy top-5"),
    "language": ("accuracy", "accuracy per sequence"),
}


def table() -> str:
    """A Markdown table of all registered problems."""
    rows = [COLUMNS, ["---"] * len(COLUMNS)]
    rows += [_row(registry.problem(name)) for name in registry.list_problems()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(problem):
    source = problem.source
    is_built_in = locate.is_built_in(problem)
    data = "built in" if is_built_in else problem.dataset or "yours"
    measures = ("log-perplexity", *TEACHER_FORCED[problem.targets.kind], *problem.metrics)
    licence, size = (
        ("Apache-2.0", "")
        if is_built_in
        else (source.licence, source.size)
        if source
        else ("yours", "")
    )
    return (
        f"`{problem.name}`",
        problem.description.rstrip("."),
        data,
        licence,
        size,
        _way(problem, is_built_in),
        ", ".join(name.replace("_", " ") for name in measures),
    )


def _way(problem, is_built_in):
    source = problem.source
    if is_built_in:
        return "generated"
    if not source:
        return "yours"
    page = " and ".join(f"[{_host(address)}]({address})" for address in source.page.split(" and "))
    own = f" or `<raw_dir>/{problem.folder}`" if problem.raw_layout else ""
    if not source.by_hand:
        return f"downloaded by TFDS{own} ({page})"
    free = f"; free: `{source.free}`" if source.free else ""
    return (
        f"by hand: {source.by_hand} "
        f"({page}){own if problem.dataset else f', in `<raw_dir>/{problem.folder}`'}{free}"
    )


def _host(address):
    return address.split("/")[2].removeprefix("www.") if "//" in address else address
