"""What a reader chooses: layer and cloud in lists, the cycle on a slider; all native, so the keyboard works."""

from collections.abc import Sequence

from topores.domain import Analysis
from topores.report.readings import cloud_name, layer_name, shown_cloud
from topores.report.safe import escaped


def controls(analysis: Analysis, *, cycle: bool) -> str:
    """A bar of controls, bound by report.js and unseen without it; only for what there is a choice of."""
    layers = [layer_name(analysis, layer) for layer in analysis.layers]
    clouds = [cloud_name(analysis, cloud) for cloud in analysis.clouds]
    parts = [
        _slider(analysis) if cycle and len(analysis.states) > 1 else "",
        _select("layer", "Layer", layers, len(layers) - 1),
        _select("cloud", "Points of", clouds, analysis.clouds.index(shown_cloud(analysis))),
    ]
    look = "controls sticky" if cycle else "controls"
    return (
        f'<form class="{look}" hidden aria-label="Choose what is shown">{"".join(parts)}</form>' if any(parts) else ""
    )


def _slider(analysis: Analysis) -> str:
    last = len(analysis.states) - 1
    label = escaped(analysis.states[-1].label)
    return (
        '<span class="slider"><button type="button" data-step="-1" aria-label="State before">‹</button>'
        f'<label>State <input type="range" data-choose="state" min="0" max="{last}" step="1" value="{last}" '
        f'aria-valuetext="{label}"></label>'
        '<button type="button" data-step="1" aria-label="Next state">›</button>'
        f'<output data-shown="state">{label}</output></span>'
    )


def _select(what: str, title: str, names: Sequence[str], chosen: int) -> str:
    if len(names) < 2:
        return ""
    lines = "".join(
        f'<option value="{place}"{" selected" if place == chosen else ""}>{escaped(name)}</option>'
        for place, name in enumerate(names)
    )
    return f'<label>{title} <select data-choose="{what}">{lines}</select></label>'


def shown_place(analysis: Analysis, *, state: bool) -> str:
    """Words for what is shown now: kept true by report.js, and all there is in print."""
    words = {
        "layer": layer_name(analysis, analysis.layers[-1]),
        "cloud": cloud_name(analysis, shown_cloud(analysis)),
    }
    spans = {name: f'<span data-shown="{name}">{escaped(word)}</span>' for name, word in words.items()}
    when = f'<span data-shown="state">{escaped(analysis.states[-1].label)}</span>, ' if state else ""
    return f'<p class="place">Shown: {when}{spans["layer"]}, {spans["cloud"]}.</p>'
