"""The words of the report, each with its one meaning."""

from dataclasses import dataclass

from topores.report.html.safe import escaped
from topores.report.language import say

WORDS = {
    "T1": "The first text: the article.",
    "T2": "The second text: the meta-analysis of the article's topic.",
    "passage": "A contiguous stretch of one text, with its place in it.",
    "aligned pair": "A passage of T1 and one of T2 that tell the same thing, with a weight.",
    "partner": "The other passage of an aligned pair.",
    "held out": "Kept from training, to see whether what was learned carries over.",
    "embargo": "Neighbours of held-out passages that are used on neither side, because they share their context.",
    "encoder": "What turns a passage into a point of the space: a row of numbers of length 1.",
    "layer": "One stage of the encoder. 0 is its input; the last is its own output.",
    "objective": "What training tries to make small.",
    "pairing": "Who asks and who answers: T1→T1 and T2→T2 (each passage finds itself again), "
    "T1→T2 and T2→T1 (each passage finds its partner).",
    "cycle": "Every aligned pair met once in each of the four pairings.",
    "state": "The space at one moment: the encoder after some cycle, or one array of points.",
    "cloud": "The points of T1, of T2, or of both together, in one state and one layer.",
    "null": "The same quantity without the effect: before training, by chance, or with the pairs shuffled.",
    "null band": "How far bars of random points reach: a bar that ends within the band is no finding.",
    "headline": "The verdict in a few words: only what the rules of the verdict claim.",
    "map": "The passages of one layer in a plane: all states are turned onto the first one, and seen along the two "
    "directions in which they are spread most. Passages that are near in the plane may be far apart in the space.",
    "heat map": "One number in every layer and state: the stronger the colour of a cell, the larger it is.",
    "neighbour": "One of the passages nearest to a passage by angle.",
    "p": "How often chance alone gives at least as much. Small means: hardly chance.",
    "MRR": "Mean reciprocal rank: 1 if the partner is always found first, 1/2 if second, and so on, on average.",
    "R@1": "Recall at 1: the share of passages whose partner is found first.",
    "nat": "Unit of information with the natural logarithm; 1 nat is 1.44 bits.",
    "rad": "Radian, the unit of angles; 3.14 rad is half a turn, 1.57 rad a right angle.",
    "persistence": "How long a bar lasts: the distance at which it dies less that at which it is born.",
    "stability": "Share of random subsamples (four fifths of the passages) in which the same loop is found again.",
    "vineyard": "The bars of a space that changes, each followed from one state to the next.",
    "spanning tree": "The shortest net of lines that joins all points: its length is that of all clusters' bars.",
    "alignment": "Mean squared distance of partners. 0 if they coincide.",
    "uniformity": "How evenly the points cover the sphere. Lower is more even; 0 if all points coincide.",
    "RankMe": "How many directions the points really use.",
    "gap": "Distance between the centre of T1's points and that of T2's.",
    "intrinsic dimension": "How many directions a point can move in and stay in the cloud, "
    "seen from its nearest neighbours.",
    "persistent homology dimension": "The same, seen from how the length of the shortest tree through the points "
    "grows with their number.",
    "linear probe": "How well a plane through the space tells passages of T1 from those of T2 that it has not seen: "
    "the share of such pairs in the right order.",
    "hubness": "Whether a few points are among the nearest neighbours of very many: the skewness of how often each is.",
    "change": "How far the passages moved from one state to another, as a share of their spread.",
    "rotation": "The part of a change that turns the space as a whole: the largest angle of that turn.",
    "mean rotation": "The angle of that turn on average over all directions, each counted by how much the points vary "
    "along it.",
    "shared rotation": "The share of the squared movement that one turn and one scale of both texts together explain.",
    "relative rotation": "The share of the squared movement that a turn and a scale of each text's own explain beyond "
    "the shared ones.",
    "shift of the texts": "The share of the squared movement by which the two texts' centres moved against each other, "
    "beyond what is shared.",
    "own deformation": "The share of the squared movement that is left when each text is turned, scaled and shifted on "
    "its own.",
    "between the texts": "The share of the change of inner products that is between a passage of each text, not within "
    "one text; it is 1 if one text was turned against the other as a whole.",
    "by chance": "The same when every passage is handed the move of another one of its text, or of either text for the "
    "shift.",
    "scale": "The part of a change that widens or narrows the space as a whole. 1 is no change.",
    "deformation": "What rotation and scale leave of a change, as a share of the spread: 0 is nothing, 1 is all.",
    "linear CKA": "Likeness of two states of the same passages, blind to rotation and scale. 1 is alike.",
    "degree": "What is counted: 0 clusters, 1 loops, 2 hollow spaces.",
    "bar": "One cluster or loop: born at one distance, dead at a larger one. Its length is its persistence.",
    "diagram": "All bars of one cloud and degree as points: birth across, death upwards.",
    "bottleneck": "Distance of two diagrams: how far the worst-matched bar has to move.",
    "Wasserstein": "Distance of two diagrams: how far all bars have to move together.",
    "RTD": "Representation topology divergence: loops that one of two states has between the same passages "
    "and the other has not.",
    "subsample": "Passages drawn uniformly from a cloud too large to be computed whole. Averages over subsamples come "
    "with their standard error.",
    "RTD by trees": "The same for clusters: how much longer the shortest trees through the points of each state are "
    "than that of the smaller distances.",
    "total persistence": "The lengths of all bars that end, added up.",
    "persistence entropy": "How evenly the total persistence is spread over bars, in nats.",
    "Betti number": "How many clusters (degree 0) or loops (degree 1) there are when points nearer than a distance "
    "are joined.",
}


def term(word: str, shown: str | None = None) -> str:
    """The word as HTML in the language in force, with its meaning one hover away.

    Raises:
        KeyError: The glossary does not have the word.
    """
    return f'<abbr title="{escaped(say(WORDS[word]))}">{escaped(say(shown or word))}</abbr>'


@dataclass(frozen=True)
class Term:
    """What `term` will be asked for: stands in tables, and speaks the language in which the page is written then."""

    word: str
    shown: str

    def __str__(self) -> str:
        return term(self.word, self.shown)
