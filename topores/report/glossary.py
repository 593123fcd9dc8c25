"""The words of the report, each with its one meaning; what its quantities mean stands in `topores.quantities`."""

from topores.quantities import Quantity, measured_quantity
from topores.report.html.safe import escape_html
from topores.report.language import say
from topores.report.names import degree_name

WORDS = {
    "T1": "The first text: the article.",
    "T2": "The second text: the meta-analysis of the article's topic.",
    "passage": "A contiguous part of one text, with its position in it.",
    "aligned pair": "A passage of T1 and one of T2 that say the same thing, with a weight.",
    "partner": "The other passage of an aligned pair.",
    "held out": "Kept from training, to test whether what was learned generalises.",
    "embargo": "Neighbours of held-out passages, which are in neither split because they share their context.",
    "encoder": "The model that turns a passage into a point of the space: a row of numbers of length 1.",
    "layer": "One stage of the encoder. 0 is its input; the last is its output.",
    "objective": "What training minimises.",
    "anchor": "The passage that a loss starts from.",
    "candidate": "A passage that is compared with an anchor: its positive, or one of its negatives.",
    "pairing": "Which text gives the anchors and which the candidates: in T1→T1 and T2→T2 the positive is the passage "
    "itself, in T1→T2 and T2→T1 it is its partner.",
    "cycle": "Every aligned pair seen once in each of the four pairings.",
    "state": "The space at one moment: the encoder after some cycle, or one array of points.",
    "cloud": "The points of T1, of T2, or of both together, in one state and one layer.",
    "cell": "One cloud of one layer in one state.",
    "null": "The same quantity without the effect: before training, by chance, or with shuffled pairs.",
    "null band": "How long bars of random points get: a bar that ends within the band is not a finding.",
    "noise floor": "The largest change that noise alone makes, such as another choice of passages. Smaller changes "
    "count as none.",
    "headline": "The verdict in a few words: only what its rules claim.",
    "map": "The passages of one layer in a plane: all states are rotated onto the first one and seen along the two "
    "directions of largest variance. Passages that are close in the plane may be far apart in the space.",
    "heat map": "One number in every layer and state: the stronger the colour of a cell, the larger the number.",
    "neighbour": "One of the passages closest to a passage by angle.",
    "p": "How often chance alone gives at least as much. A small p means: unlikely to be chance.",
    "nat": "Unit of information with the natural logarithm; 1 nat is 1.44 bits.",
    "rad": "Radian, the unit of angles; 3.14 rad is a half turn, 1.57 rad a right angle.",
    "persistence": "How long a bar lasts: the distance at which it dies minus the distance at which it is born.",
    "stability": "Share of random subsamples (four fifths of the passages) in which the same loop is found again.",
    "vineyard": "The bars of a changing space, each followed from one state to the next.",
    "degree": "What is counted: 0 clusters, 1 loops, 2 hollow spaces.",
    "bar": "One cluster or loop, from the distance at which it is born to the one at which it dies.",
    "diagram": "All bars of one cloud and degree as points: birth across, death upwards.",
    "subsample": "Passages drawn uniformly from a cloud that is too large to be computed whole. Means over subsamples "
    "come with their standard error.",
}


def term(word: str, shown: str | None = None) -> str:
    """The word as HTML in the language in force, with its meaning one hover away.

    Raises:
        KeyError: The glossary does not have the word.
    """
    return _abbreviation(WORDS[word], say(shown or word))


def quantity_term(quantity: Quantity, shown: str | None = None) -> str:
    """A quantity as HTML, with its meaning one hover away.

    Args:
        shown: Text in its place, in the language in force; None for its name with a capital.
    """
    return _abbreviation(quantity.meaning, title_of(quantity) if shown is None else shown)


def measure_term(measure: str, degree: int | None = None) -> str:
    """What a measurement is of, as `quantity_term`."""
    quantity = measured_quantity(measure, degree)
    return quantity_term(quantity, title_of(quantity, degree))


def title_of(quantity: Quantity, degree: int | None = None) -> str:
    """The quantity's name with a capital, in the language in force; with the degree, where the name lacks it."""
    if not quantity.meaning:
        return quantity.name  # a key of somebody else's, which may hold braces
    name = say(quantity.name)
    # Symbols such as p stay as they are.
    title = name if name[1:2] in ("", " ") else name[:1].upper() + name[1:]
    return title if degree is None or quantity.degree is not None else f"{title}, {degree_name(degree)}"


def hint_of(quantity: Quantity) -> str:
    """How to read a chart of it, as HTML in the language in force; empty where there is nothing to say."""
    return escape_html(say(quantity.hint)) if quantity.hint else ""


def _abbreviation(meaning: str, shown: str) -> str:
    return f'<abbr title="{escape_html(say(meaning))}">{escape_html(shown)}</abbr>' if meaning else escape_html(shown)
