"""A population of particles on its way: step, weigh, resample.

Receives a problem, a move for the particles and what shapes the target; records finished particles with weights whose
mean estimates Z without bias, whatever the resampling. Chopin and Papaspiliopoulos, "An Introduction to
Sequential Monte Carlo" (2020), for what is standard in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from structgen.errors import ModelError
from structgen.sampling.draws import Draws
from structgen.sampling.hmm import Futures
from structgen.sampling.moves import Move
from structgen.sampling.problem import Prefix, Problem, log_mean
from structgen.sampling.resampling import Kind, effective_size
from structgen.sampling.runs import Recorder
from structgen.sampling.texts import grow, log_acceptance

#: log of a potential: of a text so far (False) or a finished one (True).
Potential = Callable[[bytes, bool], float]


@dataclass
class Particle:
    """A text on its way.

    Attributes:
        prefix: what is written.
        log_weight: for the target as far as it goes, twists included.
        log_p: the model's log-probability.
        log_shape: the potentials and twists that are in the weight now.
    """

    prefix: Prefix
    log_weight: float = 0.0
    log_p: float = 0.0
    log_shape: float = 0.0

    @property
    def moving(self) -> bool:
        return not self.prefix.ended and self.log_weight > -np.inf

    def copy(self) -> Particle:
        return Particle(self.prefix, self.log_weight, self.log_p, self.log_shape)


@dataclass(frozen=True)
class Shape:
    """What else the target has in it.

    Attributes:
        potentials: factors of the target.
        twist: a factor for texts on their way only, to tell early which are promising; it is divided out at the end.
        futures: a twist by an HMM.
    """

    potentials: tuple[Potential, ...] = ()
    twist: Potential | None = None
    futures: Futures | None = None

    def __call__(self, problem: Problem, prefix: Prefix) -> float:
        ahead = self.futures.log_future(prefix) if self.futures is not None else 0.0
        if not self.potentials and self.twist is None:
            return ahead
        text = problem.text(prefix)
        total = sum(_number(potential, text, prefix.ended) for potential in self.potentials)
        if self.twist is not None and not prefix.ended:
            total += _number(self.twist, text, False)
        return total + ahead


def _number(potential: Potential, text: bytes, ended: bool) -> float:
    value = float(potential(text, ended))
    if np.isnan(value) or value == np.inf:
        raise ModelError(f"a potential gave {value} for {text!r}", hint="It returns a log weight: finite, or -inf")
    return value


def step(
    problem: Problem, particles: list[Particle], streams: list[Draws], move: Move, shape: Shape
) -> None:
    """Move every particle that is on its way by one token. Equal prefixes ask the model once."""
    moving = [i for i, particle in enumerate(particles) if particle.moving]
    laws = problem.laws([particles[i].prefix for i in moving])
    untested: list[int] = []
    for i, law in zip(moving, laws, strict=True):
        particle = particles[i]
        if law.log_mass == -np.inf:
            particle.log_weight = -np.inf
            continue
        moved = move(problem, particle.prefix, law, particle.log_p, streams[i])
        particle.prefix = moved.prefix
        particle.log_weight += moved.log_weight
        particle.log_p += moved.log_p
        if particle.log_weight > -np.inf and not moved.tested:
            untested.append(i)
    for i, good in zip(untested, problem.good([particles[i].prefix for i in untested]), strict=True):
        if not good:
            particles[i].log_weight = -np.inf
    for i in moving:
        particle = particles[i]
        if particle.log_weight > -np.inf:
            now = shape(problem, particle.prefix)
            particle.log_weight += now - particle.log_shape
            particle.log_shape = now


@dataclass(frozen=True)
class Plan:
    """How a population is run.

    Attributes:
        move: how a particle gets its next token.
        shape: what else the target has in it.
        resampling: the kind.
        threshold: resample when the effective size is under this share of the particles.
        rejuvenate: the steps after which every particle makes a Metropolis-Hastings move.
    """

    move: Move
    shape: Shape
    resampling: Kind
    threshold: float
    rejuvenate: tuple[int, ...] = ()


def evolve(problem: Problem, size: int, seed: tuple[int, ...], plan: Plan, record: Recorder) -> None:
    """Run one population to its end and record it.

    Particle i draws from its own stream, which stays with its place in the population: resampled copies of one
    particle go on differently, and nothing depends on how the model's calls are batched.

    When the run is stopped, particles that are not finished count as dead.
    """
    streams = [Draws((*seed, 1, i)) for i in range(size)]
    shared = Draws((*seed, 0))
    particles = [Particle(problem.root) for _ in range(size)]
    sizes: list[float] = []
    record.ess.append(sizes)
    record.attempts += size
    try:
        time, last = 0, max(plan.rejuvenate, default=0)
        while any(particle.moving for particle in particles) or (time < last and _some_alive(particles)):
            time += 1
            if any(particle.moving for particle in particles):
                step(problem, particles, streams, plan.move, plan.shape)
                weights = np.array([particle.log_weight for particle in particles])
                sizes.append(effective_size(weights))
                if sizes[-1] < plan.threshold * size and any(particle.moving for particle in particles):
                    particles = resampled(particles, weights, shared, plan.resampling)
            if time in plan.rejuvenate:
                rejuvenate(problem, particles, streams, plan.shape, time)
    finally:
        put(record, particles)


def rejuvenate(problem: Problem, particles: list[Particle], streams: list[Draws], shape: Shape, time: int) -> None:
    """One Metropolis-Hastings move of every particle alive: its text is cut somewhere and written anew as far.

    The move is in detailed balance with the target after ``time`` steps: ``P * shape`` over the texts that have ended
    by then, EOS being a step, and those on their way. So weights stay, and copies of one particle part. That the
    estimate of Z has no bias needs moves at times fixed beforehand, whatever has become of the particles: to move
    only where it was resampled, or only until all have ended, would prefer some texts.
    """
    alive = [i for i, particle in enumerate(particles) if particle.log_weight > -np.inf]
    own = [streams[i] for i in alive]
    olds = grow(problem, [_steps(particles[i].prefix) for i in alive], own, horizon=time)
    cut = [old.tokens[: draws.index(old.log_cuts)] for old, draws in zip(olds, own, strict=True)]
    for i, draws, old, new in zip(alive, own, olds, grow(problem, cut, own, horizon=time), strict=True):
        if not new.good:
            continue
        now = shape(problem, new.end)
        chance = log_acceptance(old, new, now - particles[i].log_shape)
        if draws.happens(float(np.exp(chance))):
            particles[i].prefix, particles[i].log_p, particles[i].log_shape = new.end, sum(new.log_p), now


def _some_alive(particles: list[Particle]) -> bool:
    return any(particle.log_weight > -np.inf for particle in particles)


def _steps(prefix: Prefix) -> tuple[int, ...]:
    return (*prefix.tokens, prefix.eos) if prefix.ended else prefix.tokens


def put(record: Recorder, particles: list[Particle]) -> None:
    """Record particles; those that are not finished are dead."""
    for particle in particles:
        weight = particle.log_weight if particle.prefix.ended else -np.inf
        record.add(particle.prefix, weight, particle.log_p)


def resampled(particles: list[Particle], log_weights: np.ndarray, draws: Draws, kind: Kind) -> list[Particle]:
    """Copies by weight, each with the mean weight, so that the estimate of Z goes through."""
    mean = log_mean(log_weights)
    if mean == -np.inf:
        return particles
    weights = np.exp(log_weights - log_weights.max())
    chosen = [particles[i].copy() for i in draws.ancestors(kind, weights / weights.sum())]
    for particle in chosen:
        particle.log_weight = mean
    return chosen
