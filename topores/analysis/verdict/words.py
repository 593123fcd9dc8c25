"""Sentences of the verdict, as phrases that the page can translate; the rules decide which."""

from collections.abc import Sequence

from topores.analysis.verdict.evidence import LOOPS
from topores.domain import Loop, State, cycle_label
from topores.outcomes import Spread
from topores.phrases import Phrase, join_phrases
from topores.quantities import quantity
from topores.topology import CyclicOrder


def span(first: State, last: State, *, trained: bool) -> Phrase:
    """The beginning of the sentence.

    Args:
        trained: Whether the states are those of a run.
    """
    if not trained:
        return Phrase("From {first} to {last}", first=first.label, last=last.label)
    if first.cycle:
        return Phrase("From cycle {first:,} to cycle {last:,}", first=first.cycle, last=last.cycle)
    return Phrase("After {n:,} cycles", n=last.cycle) if last.cycle > 1 else Phrase("After {n} cycle", n=last.cycle)


def sentence_start(state: State) -> str:
    """The state's label with a capital; the name of a file or a model as it is spelt."""
    if state.label == cycle_label(state.cycle):
        return Phrase("Cycle {n:,}", n=state.cycle)
    return state.label


def parts(texts: Sequence[str]) -> Phrase:
    """The texts that are not empty, separated by semicolons."""
    return join_phrases("; ", [text for text in texts if text])


def enumerate_words(words: Sequence[Phrase]) -> Phrase:
    """
    >>> enumerate_words([Phrase("a")]), enumerate_words([Phrase("a"), Phrase("b"), Phrase("c")])
    ('a', 'a, b and c')
    """
    if len(words) == 1:
        return words[0]
    return Phrase("{most} and {last}", most=join_phrases(", ", words[:-1]), last=words[-1])


def _names_of(quantities: Sequence[str]) -> Phrase:
    return enumerate_words([quantity(name).phrase for name in quantities])


# Learned or memorised.


def no_better(rose: bool, fell: bool, fitted: bool) -> Phrase:
    """Not significantly better than after shuffled pairings, whatever it was before."""
    pairs = Phrase(", while the training pairs are retrieved almost perfectly") if fitted else ""
    if rose:
        return Phrase(
            "unseen partners are found better than before, but not significantly better than after training on "
            "shuffled pairings{pairs}",
            pairs=pairs,
        )
    if fell:
        return Phrase(
            "unseen partners are found worse than before, and not significantly better than after training on "
            "shuffled pairings{pairs}",
            pairs=pairs,
        )
    return Phrase(
        "unseen partners are not found significantly better than after training on shuffled pairings{pairs}",
        pairs=pairs,
    )


def learned_words(controlled: bool) -> Phrase:
    if not controlled:
        return Phrase("the encoder learned: unseen partners are found better than before")
    return Phrase("the encoder learned: unseen partners are found better than before and than after shuffled pairings")


def no_learning(no_room: bool, though: str) -> Phrase:
    if no_room:
        return Phrase("no sign of learning: held-out retrieval had no room to improve{though}", though=though)
    return Phrase("no sign of learning: held-out retrieval did not change significantly{though}", though=though)


def few_questions(though: str) -> Phrase:
    return Phrase(
        "the training pairs are retrieved almost perfectly, and too few pairs are held out to tell whether that is "
        "learning{though}",
        though=though,
    )


def not_shown(though: str) -> Phrase:
    return Phrase(
        "the training pairs are retrieved almost perfectly; whether unseen partners are found better is not "
        "decided{though}",
        though=though,
    )


def memorised_words(*, worse: bool) -> Phrase:
    """
    Args:
        worse: Whether unseen partners are found significantly worse than before; else a gain is excluded.
    """
    if worse:
        return Phrase("the training pairs were memorised: unseen partners are found worse than before")
    return Phrase("the training pairs were memorised: a gain for unseen partners is excluded")


def after_shuffled(mean: float, runs: int, few: bool, p: float) -> Phrase:
    """Held-out MRR of the runs on shuffled pairings, to be put in brackets."""
    return Phrase(
        "; after shuffled pairings {mean:.2f} in {n} runs{few}, p = {p:.2g}",
        mean=mean, n=runs, few=Phrase(", enough to detect large effects only") if few else "", p=p,
    )  # fmt: skip


# The space.


def widths(before: Spread, now: Spread) -> Phrase:
    """Uniformity and RankMe of a cloud at two states; both were measured."""
    return Phrase(
        "{uniformity} {was:.2f} to {now:.2f}, {rank_me} {rank_was:.0f} to {rank_now:.0f}",
        uniformity=quantity("uniformity").phrase, was=before.uniformity, now=now.uniformity,
        rank_me=quantity("rank_me").phrase, rank_was=before.rank_me, rank_now=now.rank_me,
    )  # fmt: skip


def width(uniformity: float, rank: float) -> Phrase:
    return Phrase(
        "{rank_me} {rank:.0f}, {uniformity} {value:.2f}",
        rank_me=quantity("rank_me").phrase, rank=rank, uniformity=quantity("uniformity").phrase, value=uniformity,
    )  # fmt: skip


def attributed_to_pairing(names: Sequence[str], shared: Sequence[str]) -> Phrase:
    """Changes that the pairing caused, and changes that shuffled pairings show too."""
    if not shared:
        return Phrase("the change of {names} is attributed to the pairing", names=_names_of(names))
    return Phrase(
        "the change of {names} is attributed to the pairing, while {shared} changed no more than with shuffled "
        "pairings",
        names=_names_of(names), shared=_names_of(shared),
    )  # fmt: skip


def not_attributed(names: Sequence[str]) -> Phrase:
    return Phrase("{names} changed, but no more than with shuffled pairings", names=_names_of(names))


def loop_persistence(was: float, now: float, *, noise: Phrase | None) -> Phrase:
    """
    Args:
        noise: What alone changes it as much; None if it changed more.
    """
    went = Phrase("{measure} went from {was:.2f} to {now:.2f}", measure=quantity(LOOPS).phrase, was=was, now=now)
    return went if noise is None else Phrase("{went}, within the noise of {noise}", went=went, noise=noise)


def change_beside_noise(measure: str, noise: Phrase) -> Phrase:
    """The words of a claim about a change and its noise floor."""
    return Phrase("change of {measure} (null: noise of {noise})", measure=quantity(measure).phrase, noise=noise)


def gap_opened(was: float, now: float, floor: float) -> Phrase:
    return Phrase(
        "a gap opened between the texts ({measure} {was:.2f} to {now:.2f}, noise {floor:.2f})",
        measure=quantity("modality_gap").phrase, was=was, now=now, floor=floor,
    )  # fmt: skip


def gap_closed(was: float, now: float, floor: float) -> Phrase:
    return Phrase(
        "the gap between the texts narrowed ({measure} {was:.2f} to {now:.2f}, noise {floor:.2f})",
        measure=quantity("modality_gap").phrase, was=was, now=now, floor=floor,
    )  # fmt: skip


def moved_within_rounding(moved: float, floor: float) -> Phrase:
    return Phrase(
        "the passages moved no further than rounding of the stored numbers moves them ({moved:.1e} of their spread, "
        "rounding up to {floor:.1e})",
        moved=moved, floor=floor,
    )  # fmt: skip


def moved_and_came_back(furthest: State) -> Phrase:
    """For a last state that is the first one, though not all states between are."""
    return Phrase(
        "every passage is back where it was, though not in between: {state} is furthest away", state=furthest.label
    )


def moved_too_little(moved: float, least: float) -> Phrase:
    return Phrase(
        "the passages hardly moved ({moved:.1e} of their spread; less than {least:g} is not worth naming)",
        moved=moved, least=least,
    )  # fmt: skip


def movement_words(kinds: Sequence[str], size: float, *, as_shuffled: bool) -> Phrase:
    """
    Args:
        kinds: Of scaled, turned and deformed, at least one.
        size: How many times as large the cloud became.
        as_shuffled: Whether shuffled pairings scale, rotate and move it as much.
    """
    scaled = Phrase("the space shrank to {size:.2f} of its size", size=size)
    if size > 1:
        scaled = Phrase("the space grew to {size:.2f} times its size", size=size)
    told = {
        "turned": Phrase("the space rotated"),
        "deformed": Phrase("the space deformed"),
        "turned and deformed": Phrase("the space rotated and deformed"),
        "scaled": scaled,
        "scaled and turned": Phrase("{scaled} and rotated", scaled=scaled),
        "scaled and deformed": Phrase("{scaled} and deformed", scaled=scaled),
        "scaled and turned and deformed": Phrase("{scaled}, rotated and deformed", scaled=scaled),
    }
    space = told[" and ".join(kinds)]
    return Phrase("{moved}, as with shuffled pairs", moved=space) if as_shuffled else space


def share(value: float, low: float, high: float) -> Phrase:
    """A share with its 95 % interval."""
    return Phrase("{value:.0%} [{low:.0%}, {high:.0%}]", value=value, low=low, high=high)


def moved_after_shuffled(scale: float, p_scale: float, rotation: float, p_rotation: float) -> Phrase:
    """The same shares after shuffled pairings, to be put in brackets."""
    return Phrase(
        "; after shuffled pairings {scale:.0%} and {rotation:.0%}, p = {p_scale:.2g} and {p_rotation:.2g}",
        scale=scale, rotation=rotation, p_scale=p_scale, p_rotation=p_rotation,
    )  # fmt: skip


# Loops.


def loops_now(was: int, now: int, p: float | None) -> Phrase:
    """How many loops are significant, at least one, and how many were.

    Args:
        p: Smallest p of the loops of the last state.
    """
    if now > 1:
        are = Phrase("{n} loops are longer than chance would produce (p = {p:.2g})", n=now, p=p)
    else:
        are = Phrase("1 loop is longer than chance would produce (p = {p:.2g})", p=p)
    if now == was:
        return are
    if now > was:
        return Phrase("{loops}, {n} more than before", loops=are, n=now - was)
    return Phrase("{loops}, {n} fewer than before", loops=are, n=was - now)


def no_loop(best: Loop, points: int) -> Phrase:
    """That no loop is significant, and which would have been.

    Args:
        best: The most significant loop.
    """
    ratio = best.death / best.birth
    if best.blind:
        return Phrase(
            "this test could not see a loop among so few passages ({n}; the largest death / birth is {ratio:.2f}, "
            "p = {p:.2g})",
            n=points, ratio=ratio, p=best.p,
        )  # fmt: skip
    if best.visible is None:
        return Phrase("no loop is longer than chance would produce")
    return Phrase(
        "no loop is longer than chance would produce (p = {p:.2g}; the largest death / birth is {ratio:.2f}, and more "
        "than {visible:.2f} would count)",
        p=best.p, ratio=ratio, visible=best.visible,
    )  # fmt: skip


def lost_loops(count: int) -> str:
    """Empty if none was lost."""
    if count < 1:
        return ""
    if count > 1:
        return Phrase("{n} loops of the first state were lost", n=count)
    return Phrase("1 loop of the first state was lost")


def loop_between(state: State, p: float, states: int) -> Phrase:
    """
    Args:
        states: Number of states between the first and the last, over which p is corrected.
    """
    return Phrase(
        "in between there was a loop, at {state} (p = {p:.2g}, corrected over {n} states)",
        state=state.label, p=p, n=states,
    )  # fmt: skip


def order_of_rows(order: CyclicOrder, *, significant: bool) -> Phrase:
    """Whether rows lie around a ring in the order in which they were given."""
    numbers = Phrase(
        "neighbours {step:.2f} apart, {expected:.2f} in a random order, p = {p:.2g}",
        step=order.step, expected=order.expected, p=order.p,
    )  # fmt: skip
    if not significant:
        return Phrase("their given order is not nearer to a ring than a random one ({numbers})", numbers=numbers)
    if not order.closed:
        return Phrase("in their given order the passages follow a line, not a ring ({numbers})", numbers=numbers)
    return Phrase("in their given order the passages lie around a ring ({numbers})", numbers=numbers)


def loops_gained(count: int) -> str:
    """For the headline; empty if there are as many as before."""
    if not count:
        return ""
    if count > 0:
        return Phrase("{n} loops gained", n=count) if count > 1 else Phrase("1 loop gained")
    return Phrase("{n} loops lost", n=-count) if count < -1 else Phrase("1 loop lost")


def one_state(loops: int | None, *, unseen: bool = False) -> Phrase:
    """The headline where nothing is compared.

    Args:
        loops: Number of significant loops; None where loops were not computed.
        unseen: Whether a loop could not have been seen.
    """
    if loops is None:
        return Phrase("One state, so no change to judge")
    if unseen:
        return Phrase("One state; a loop could not be seen")
    if not loops:
        return Phrase("One state; no significant loop")
    return Phrase("One state; {n} significant loops", n=loops) if loops > 1 else Phrase("One state; 1 significant loop")
