"""Encoders whose weights are solved in closed form: one cycle before the solution, and one after."""

from topores.training.loop import Trainee, log_cycle, untrained_losses


def solve_at_once(trainee: Trainee, cycles: int) -> None:
    """Log and save the untrained encoder as cycle 0 and the solved one as cycle `cycles`."""
    progress = trainee.progress
    if progress.logged == 0:
        log_cycle(trainee, 0, untrained_losses(trainee), keep=True)
    if progress.step < cycles * trainee.batches.per_cycle:
        trainee.encoder.solve(trainee.batches.corpus)
        progress.step = cycles * trainee.batches.per_cycle
        log_cycle(trainee, cycles, untrained_losses(trainee), keep=True)
