"""Controls: layer and cloud in lists, the cycle on a slider; native elements, so the keyboard works."""

from collections.abc import Sequence

from topores.domain import Analysis
from topores.report.html.safe import escape_html
from topores.report.language import say
from topores.report.names import cloud_name, layer_name, shown_cloud, state_name


def controls(analysis: Analysis) -> str:
    """The bar of controls, hidden without the script; only controls with more than one choice."""
    layers = [layer_name(analysis, layer) for layer in analysis.layers]
    clouds = [cloud_name(analysis, cloud) for cloud in analysis.clouds]
    parts = [
        _slider(analysis) if len(analysis.states) > 1 else "",
        _select("layer", say("Layer"), layers, len(layers) - 1),
        _select("cloud", say("Points of"), clouds, analysis.clouds.index(shown_cloud(analysis))),
        _search() if analysis.corpus is not None and analysis.maps else "",
    ]
    if not any(parts):
        return ""
    label = say("Select what is shown")
    return f'<form class="controls sticky" hidden role="search" aria-label="{label}">{"".join(parts)}</form>'


def _search() -> str:
    field = f'<input type="search" id="search" placeholder="{say("Search")}">'
    return f'<label class="search"><span class="unseen">{say("Search the passages")}</span>{field}</label>'


def _slider(analysis: Analysis) -> str:
    last = len(analysis.states) - 1
    label = escape_html(state_name(analysis.states[-1]))
    play = f'<button type="button" id="play" aria-pressed="false">▶ <span>{say("Play")}</span></button>'
    slider = f'<input type="range" data-choose="state" min="0" max="{last}" step="1" value="{last}"'
    return (
        f'<span class="slider">{play}'
        f'<button type="button" data-step="-1" aria-label="{say("Previous state")}">‹</button>'
        f'<label><span class="unseen">{say("State")}</span>{slider} aria-valuetext="{label}"></label>'
        f'<button type="button" data-step="1" aria-label="{say("Next state")}">›</button>'
        f'<output data-shown="state">{label}</output></span>'
    )


def _select(what: str, title: str, names: Sequence[str], chosen: int) -> str:
    if len(names) < 2:
        return ""
    lines = "".join(
        f'<option value="{place}"{" selected" if place == chosen else ""}>{escape_html(name)}</option>'
        for place, name in enumerate(names)
    )
    return f'<label>{title} <select data-choose="{what}">{lines}</select></label>'


def shown_place(analysis: Analysis, *, state: bool) -> str:
    """Words for what is shown: report.js updates them, and print shows them instead of the controls."""
    words = {
        "layer": layer_name(analysis, analysis.layers[-1]),
        "cloud": cloud_name(analysis, shown_cloud(analysis)),
    }
    spans = {name: f'<span data-shown="{name}">{escape_html(word)}</span>' for name, word in words.items()}
    when = f'<span data-shown="state">{escape_html(state_name(analysis.states[-1]))}</span>, ' if state else ""
    place = f"{when}{spans['layer']}, {spans['cloud']}"
    return f'<p class="place">{say("Shown: {place}.", place=place)}</p>'
