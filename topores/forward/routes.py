"""Routers: modules that send texts of different tasks through modules of their own, such as queries and documents."""

from typing import Any

from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Router

from topores.domain import SIDES


def routers(model: SentenceTransformer) -> list[Router]:
    """Its routers, in order."""
    return [module for module in model.children() if isinstance(module, Router)]


def first_modules(model: SentenceTransformer) -> list[Any]:
    """What takes the texts: the first module, or that of each route where it is a router."""
    first: Any = model[0]
    if not isinstance(first, Router):
        return [first]
    routes: Any = first.sub_modules.values()
    return list(dict.fromkeys(route[0] for route in routes))


def route_of(router: Router, task: str | None) -> str | None:
    """The route of texts of a task, in the order in which the router itself looks for it; None if there is none.

    Args:
        task: None for texts of no task.
    """
    for key in ((task, "text"), (task, None), (None, "text"), (None, None)):
        if key in router.route_mappings:
            return router.route_mappings[key]
    if task is None:
        return router.default_route
    return task if task in router.sub_modules else None


def has_route_by_side(router: Router) -> bool:
    """Whether a router has a route of its own for each of the two texts."""
    named = {*router.sub_modules, *(task for task, _ in router.route_mappings)}
    return named.issuperset(SIDES)
