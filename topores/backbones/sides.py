"""How the two texts are read: the prompt of each, and its route where a model has several.

A name means what it means to `encode_query` and `encode_document`: the prompt of that name, and the route of that task.
What is chosen is kept in the model itself, as its prompts and routes t1 and t2, so that checkpoints have it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Router

from topores.domain import SIDES, Side
from topores.errors import InputError, UsageError
from topores.forward.routes import has_route_by_side, route_of, routers

OPTIONS = ("--prompt-1", "--prompt-2")

QUERY = "query"
DOCUMENT = ("document", "passage", "corpus")
"""Names of the prompt of documents: `encode_document` takes the first that a model has. Its task is the first."""

PROBE = "A loop."


class Reading(NamedTuple):
    """What stands before a text, and what the router is told of it."""

    prompt: str | None
    """None for the model's default prompt."""
    task: str | None
    """None for the default route."""


def read_sides(model: SentenceTransformer, given: Sequence[str | None], name: str) -> SentenceTransformer:
    """`model`, which reads T1 and T2 as `given` says: each the name of a prompt or a task, or a prompt itself.

    Args:
        given: For T1 and for T2; None for the model's default.
        name: The model as the user named it, for messages.

    Raises:
        UsageError: A name is that of a prompt which this model does not have.
        InputError: The model takes texts by task without a default, and none is given; or its routes differ in width.
    """
    asked = [(side, own, option) for side, own, option in zip(SIDES, given, OPTIONS, strict=True) if own is not None]
    readings = {side: _reading(model, own, name, option) for side, own, option in asked}
    for side, reading in readings.items():
        if reading.prompt is not None:
            model.prompts[side] = reading.prompt
    for router in routers(model):
        _add_routes(router, {side: reading.task for side, reading in readings.items() if reading.task is not None})
        _refuse_without_route(router, name)
    if any(map(has_route_by_side, routers(model))):
        _refuse_unequal_widths(model, name)
    return model


def _reading(model: SentenceTransformer, given: str, name: str, option: str) -> Reading:
    asked = DOCUMENT[0] if given in DOCUMENT else given
    task = asked if any(_takes(router, asked) for router in routers(model)) else None
    names = DOCUMENT if given == DOCUMENT[0] else (given,)
    prompt = next((known for known in names if known in model.prompts), None)
    if prompt is not None:
        return Reading(model.prompts[prompt] or "", task)
    if task is not None:
        return Reading(None, task)
    if given in (QUERY, *DOCUMENT):
        known = ", ".join(prompt for prompt, text in model.prompts.items() if text and prompt not in SIDES) or "none"
        raise UsageError(
            f"{option} is '{given}', but '{name}' has no prompt or route of that name (its prompts: {known}); leave it "
            f"out, or give the prompt itself, such as '{given}: '."
        )
    return Reading(given, None)


def _takes(router: Router, task: str) -> bool:
    """Whether a router knows a task by name."""
    return task in router.sub_modules or any(task == known for known, _ in router.route_mappings)


def _add_routes(router: Router, tasks: dict[Side, str]) -> None:
    """Routes called t1 and t2; a text that is given no task keeps the route that it has."""
    for side in SIDES if tasks else ():
        before = side if _takes(router, side) else None
        route = route_of(router, tasks.get(side, before))
        if route is not None:
            router.route_mappings[side, None] = route


def _refuse_without_route(router: Router, name: str) -> None:
    if has_route_by_side(router) or route_of(router, None) is not None:
        return
    tasks = sorted({*router.sub_modules, *(task for task, _ in router.route_mappings if task)} - set(SIDES))
    first = QUERY if QUERY in tasks else tasks[0]
    second = next((task for task in tasks if task != first), first)
    raise InputError(
        f"'{name}' takes texts by task ({', '.join(tasks)}), and has no default route; give each text its task, such "
        f"as {OPTIONS[0]} {first} {OPTIONS[1]} {second}, or set router.default_route = '{second}' and save it again."
    )


def _refuse_unequal_widths(model: SentenceTransformer, name: str) -> None:
    widths = [model.encode(PROBE, task=side, show_progress_bar=False).shape[-1] for side in SIDES]
    if widths[0] != widths[1]:
        raise InputError(
            f"'{name}' gives T1 {widths[0]} and T2 {widths[1]} dimensions by their routes, so that they cannot be "
            f"compared; give both texts one route ({OPTIONS[0]}, {OPTIONS[1]})."
        )
