"""How the verdict puts its findings: phrases, so that the report can say them in another language.

What is found is decided in verdict.py; here nothing is.
"""

from collections.abc import Sequence

from topores.analysis.verdict.evidence import COMPARED
from topores.domain import State
from topores.phrases import Phrase, joined


def span(first: State, last: State, *, trained: bool) -> Phrase:
    """The beginning of the sentence.

    Args:
        trained: Whether the states are those of a run.
    """
    if not trained:
        return Phrase("From {first} to {last}", first=first.name, last=last.name)
    if first.cycle:
        return Phrase("From cycle {first:,} to cycle {last:,}", first=first.cycle, last=last.cycle)
    return Phrase("After {n:,} cycles", n=last.cycle) if last.cycle > 1 else Phrase("After {n} cycle", n=last.cycle)


def sentence_start(state: State) -> str:
    """The state's name with a capital."""
    if isinstance(state.name, Phrase):
        return Phrase("Cycle {n:,}", **state.name.values)
    return state.name[:1].upper() + state.name[1:]


def parts(texts: Sequence[str]) -> Phrase:
    """Those that are not empty, one after the other."""
    return joined("; ", [text for text in texts if text])


def listed(words: Sequence[Phrase]) -> Phrase:
    """
    >>> listed([Phrase("a")]), listed([Phrase("a"), Phrase("b"), Phrase("c")])
    ('a', 'a, b and c')
    """
    if len(words) == 1:
        return words[0]
    return Phrase("{most} and {last}", most=joined(", ", words[:-1]), last=words[-1])


def _compared(names: Sequence[str]) -> Phrase:
    """Names of `COMPARED` in words."""
    return listed([COMPARED[name] for name in names])


# Learned or memorised.


def no_better(rose: bool, fell: bool, by_heart: bool) -> Phrase:
    """No better than after shuffled pairings, whatever it was before."""
    heart = Phrase(", with the training pairs known by heart") if by_heart else ""
    if rose:
        return Phrase(
            "unseen partners are found better than before, but no better, beyond chance, than after shuffled "
            "pairings{heart}",
            heart=heart,
        )
    if fell:
        return Phrase(
            "unseen partners are found worse than before, and no better, beyond chance, than after shuffled "
            "pairings{heart}",
            heart=heart,
        )
    return Phrase(
        "unseen partners are found no better, beyond chance, than after shuffled pairings{heart}", heart=heart
    )


def learned(controlled: bool) -> Phrase:
    if not controlled:
        return Phrase("the encoder learned: unseen partners are found better than before")
    return Phrase("the encoder learned: unseen partners are found better than before and than after shuffled pairings")


def no_learning(no_room: bool, though: str) -> Phrase:
    if no_room:
        return Phrase("no learning is shown: held-out retrieval had no room to rise{though}", though=though)
    return Phrase("no learning is shown: held-out retrieval did not change beyond chance{though}", though=though)


def few_questions(though: str) -> Phrase:
    return Phrase(
        "the training pairs are known by heart, and too few questions are held out to tell whether that is "
        "learning{though}",
        though=though,
    )


def after_shuffled(mean: float, runs: int, few: bool, p: float) -> Phrase:
    """Held-out MRR of the runs on shuffled pairings, for the brackets."""
    return Phrase(
        "; after shuffled pairings {mean:.2f} in {n} runs{few}, p = {p:.2g}",
        mean=mean, n=runs, few=Phrase(", which see large effects only") if few else "", p=p,
    )  # fmt: skip


# The space.


def widths(was: float, now: float, rank_was: float, rank_now: float) -> Phrase:
    return Phrase(
        "uniformity {was:.2f} to {now:.2f}, RankMe {rank_was:.0f} to {rank_now:.0f}",
        was=was, now=now, rank_was=rank_was, rank_now=rank_now,
    )  # fmt: skip


def caused(names: Sequence[str], shared: Sequence[str]) -> Phrase:
    """What changed as under no shuffled pairing, and what shuffled pairings change too."""
    if not shared:
        return Phrase("{names} changed as under no shuffled pairing", names=_compared(names))
    return Phrase(
        "{names} changed as under no shuffled pairing, while {shared} changed no more, beyond chance, than under "
        "shuffled pairings",
        names=_compared(names), shared=_compared(shared),
    )  # fmt: skip


def not_caused(names: Sequence[str]) -> Phrase:
    return Phrase("{names} changed, and no more, beyond chance, than under shuffled pairings", names=_compared(names))


def loop_persistence(was: float, now: float, *, within: bool) -> Phrase:
    """
    Args:
        within: Whether dropout and resampling alone change it as far.
    """
    if within:
        return Phrase(
            "total loop persistence went from {was:.2f} to {now:.2f}, within dropout and resampling", was=was, now=now
        )
    return Phrase("total loop persistence went from {was:.2f} to {now:.2f}", was=was, now=now)


def moved(movement: str, *, as_shuffled: bool) -> Phrase:
    """
    Args:
        as_shuffled: Whether shuffled pairings turn it, and move it, as much.
    """
    kinds = {"turned": Phrase("the space turned"), "deformed": Phrase("the space deformed")}
    space = kinds.get(movement, Phrase("the space turned and deformed"))
    return Phrase("{moved}, as with shuffled pairs", moved=space) if as_shuffled else space


def turned_after_shuffled(share: float, p: float) -> Phrase:
    """For the brackets: what one rotation and scale explain there."""
    return Phrase(", {share:.0%} after shuffled pairings, p = {p:.2g}", share=share, p=p)


# Loops.


def loops_now(was: int, now: int, p: float | None) -> Phrase:
    """How many loops are beyond chance, and how many were.

    Args:
        p: The smallest of those that are there now.
    """
    if not now:
        none = Phrase("none of its loops is larger than chance makes")
        return parts([none, _lost(was)])
    if now > 1:
        are = Phrase("{n} of its loops are larger than chance makes (p = {p:.2g})", n=now, p=p)
    else:
        are = Phrase("1 of its loops is larger than chance makes (p = {p:.2g})", p=p)
    if now == was:
        return are
    if now > was:
        return Phrase("{loops}, {n} more than before", loops=are, n=now - was)
    return Phrase("{loops}, {n} fewer than before", loops=are, n=was - now)


def _lost(count: int) -> str:
    if not count:
        return ""
    if count > 1:
        return Phrase("{n} of its loops of the first state are lost", n=count)
    return Phrase("1 of its loops of the first state is lost")


def loops_gained(count: int) -> str:
    """Of the headline; empty where as many are there as before."""
    if not count:
        return ""
    if count > 0:
        return Phrase("{n} loops gained", n=count) if count > 1 else Phrase("1 loop gained")
    return Phrase("{n} loops lost", n=-count) if count < -1 else Phrase("1 loop lost")


def one_state(loops: int | None) -> Phrase:
    """The headline where nothing is compared.

    Args:
        loops: Beyond chance; None where they were not looked for.
    """
    if loops is None:
        return Phrase("One state, so no change to judge")
    if not loops:
        return Phrase("One state; no loop beyond chance")
    return (
        Phrase("One state; {n} loops beyond chance", n=loops)
        if loops > 1
        else Phrase("One state; 1 loop beyond chance")
    )
