"""The templates of documents, with the filters that put text and numbers into markdown."""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from benchmark.board.axes import grid_in_words
from benchmark.board.format import count, decimal, duration, escape, percent, several


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("benchmark.pages"),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "md": lambda text: escape(str(text)), "decimal": decimal, "duration": duration, "percent": percent,
        "count": count, "grid_in_words": grid_in_words,
    }  # fmt: skip
    environment.globals["several"] = several
    environment.tests["shuffled"] = lambda protocol: protocol.shuffles_images
    return environment


def render(template: str, **values: Any) -> str:
    """Render a template of this package with its values; an unknown one is an error."""
    return _environment().get_template(template).render(**values)
