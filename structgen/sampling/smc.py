"""Sequential Monte Carlo: populations of texts that are weighted and resampled as they grow.

:class:`SMC` moves particles by masking, :class:`AWRS` by adaptive weighted rejection against a predicate,
:class:`PowerSMC` towards a power of the model's law, and :class:`Steering` resamples without replacement.
Sources: Lew et al., "Sequential Monte Carlo Steering of Large Language Models" (2023); Loula et al., "Syntactic and
Semantic Control of Large Language Models via Sequential Monte Carlo" (2025); Lipkin et al. (2025), see ``awrs``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from structgen.errors import InputError
from structgen.sampling.choose import Masked
from structgen.sampling.draws import Draws
from structgen.sampling.hmm import HMM, Futures
from structgen.sampling.moves import GuidedMove, MaskedMove, Move, PowerMove, RejectionMove, check_awrs
from structgen.sampling.population import Particle, Plan, Potential, Shape, evolve, put, step
from structgen.sampling.problem import Problem
from structgen.sampling.resampling import KINDS, Kind, effective_size
from structgen.sampling.runs import Recorder
from structgen.sampling.samples import Samples


@dataclass(frozen=True)
class _Resampled:
    """What populations that are resampled have in common."""

    resampling: Kind = field(default="systematic", kw_only=True)
    ess_threshold: float = field(default=0.5, kw_only=True)

    def _check(self, particles: int | None) -> None:
        _check_particles(particles)
        if self.resampling not in KINDS:
            raise InputError(f"resampling={self.resampling!r}", hint=f"It is one of {', '.join(KINDS)}")
        if not 0.0 <= self.ess_threshold <= 1.0:
            raise InputError(f"ess_threshold={self.ess_threshold}", hint="It is from 0 to 1")

    def _populations(self, problem: Problem, n: int, seed: tuple[int, ...], size: int | None, plan: Plan) -> Samples:
        """``n`` particles in populations of a size; weights of different populations compare."""
        record = Recorder(problem)
        with record.guard():
            for number, most in enumerate(_sizes(n, size)):
                evolve(problem, most, (*seed, number), plan, record)
        return record.samples()


@dataclass(frozen=True)
class _Shaped(_Resampled):
    """What :class:`SMC` and :class:`AWRS` have in common."""

    particles: int | None = None
    potentials: tuple[Potential, ...] = field(default=(), kw_only=True)
    twist: Potential | None = field(default=None, kw_only=True)
    rejuvenate: tuple[int, ...] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        self._check(self.particles)
        if any(time < 1 for time in self.rejuvenate):
            raise InputError(f"rejuvenate={self.rejuvenate}", hint="It holds numbers of steps, each at least 1")

    def _move(self) -> Move:
        raise NotImplementedError

    def run(self, problem: Problem, n: int, seed: tuple[int, ...]) -> Samples:
        """``n`` particles in all; weights of different populations compare."""
        return self._shaped(problem, n, seed, self._move(), None)

    def _shaped(
        self, problem: Problem, n: int, seed: tuple[int, ...], move: Move, futures: Futures | None
    ) -> Samples:
        shape = Shape(self.potentials, self.twist, futures)
        plan = Plan(move, shape, self.resampling, self.ess_threshold, self.rejuvenate)
        return self._populations(problem, n, seed, self.particles, plan)


@dataclass(frozen=True)
class SMC(_Shaped):
    """Particles drawn under masks, weighted by the mass that the masks cut away.

    Attributes:
        particles: size of a population; None: all samples of a run are one. For more samples, more populations run.
        proposal: how tokens are drawn from those allowed. Its support must cover the target's.
        resampling: multinomial, stratified, systematic or residual.
        ess_threshold: resample when the effective size is under this share of the particles; 0: never (plain
            importance sampling).
        potentials: factors of the target: functions of (bytes so far, finished) that return a log weight.
        twist: a potential that counts on the way only.
        rejuvenate: steps, as ``(4, 8, 16)``, after which every particle makes a Metropolis-Hastings move: its text
            is cut and written anew, so that copies of one particle part. They are made whether or not it was
            resampled, and also if all texts have ended by then; weights stay proper.
        guide: an HMM that resembles the model (it reads the text, not the prompt). Tokens are then drawn by
            ``P(t|u)`` times the chance that the HMM sees for a good end, which is the twist as well; ``proposal``
            does not count. All its probabilities are above 0.
        max_states: of the guide's sums: pairs of grammar's state and tokens left.
    """

    proposal: Masked = field(default_factory=Masked)
    guide: HMM | None = field(default=None, kw_only=True)
    max_states: int = field(default=200_000, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.guide is not None and not self.guide.positive:
            raise InputError("the guide has probabilities that are 0", hint="What it rules out, no particle can reach")
        if self.proposal.temperature == 0.0:
            raise InputError("a proposal at temperature 0 reaches one text only", hint="Set a temperature above 0")

    def _move(self) -> Move:
        return MaskedMove(self.proposal)

    def run(self, problem: Problem, n: int, seed: tuple[int, ...]) -> Samples:
        """``n`` particles in all; weights of different populations compare."""
        if self.guide is None:
            return super().run(problem, n, seed)
        futures = Futures(self.guide, problem, (), self.max_states)
        return self._shaped(problem, n, seed, GuidedMove(futures), futures)


@dataclass(frozen=True)
class AWRS(_Shaped):
    """Particles whose tokens pass a predicate, of which few are tested.

    Attributes:
        accepts: tokens that must pass before a weight is estimated (2 or more); more make it steadier.
        max_rejects: refusals after which a particle dies, with weights that account for it; None: none.
        particles, resampling, ess_threshold, potentials, twist, rejuvenate: as for :class:`SMC`.
    """

    accepts: int = 2
    max_rejects: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_awrs(self.accepts, self.max_rejects)

    def _move(self) -> Move:
        return RejectionMove(self.accepts, self.max_rejects)


@dataclass(frozen=True)
class PowerSMC(_Resampled):
    """Towards ``P(w) ** alpha``: likely texts as wholes, not token by token as a low temperature does.

    ``log_z`` and the weights are those of the power.

    Attributes:
        alpha: the exponent, above 0; above 1 sharpens.
        ramp: tokens over which the exponent rises from 1 to alpha; 0: at once.
        particles, resampling, ess_threshold: as for :class:`SMC`.
    """

    alpha: float = 4.0
    ramp: int = 0
    particles: int | None = None

    def __post_init__(self) -> None:
        self._check(self.particles)
        if not 0.0 < self.alpha < float("inf") or self.ramp < 0:
            raise InputError(f"alpha={self.alpha}, ramp={self.ramp}", hint="alpha is above 0, ramp at least 0")

    def run(self, problem: Problem, n: int, seed: tuple[int, ...]) -> Samples:
        """``n`` particles in all; weights of different populations compare."""
        plan = Plan(PowerMove(self.alpha, self.ramp), Shape(), self.resampling, self.ess_threshold)
        return self._populations(problem, n, seed, self.particles, plan)


@dataclass(frozen=True)
class Steering:
    """SMC without replacement: every particle goes on in several ways, and the best spread of them is kept.

    Attributes:
        particles: size of a population.
        copies: ways in which each particle goes on.
        proposal, potentials: as for :class:`SMC`.
    """

    particles: int = 8
    copies: int = 2
    proposal: Masked = field(default_factory=Masked)
    potentials: tuple[Potential, ...] = ()

    def __post_init__(self) -> None:
        _check_particles(self.particles)
        if self.copies < 1:
            raise InputError(f"copies={self.copies}", hint="It is at least 1")

    def run(self, problem: Problem, n: int, seed: tuple[int, ...]) -> Samples:
        """``n`` particles in all. Places of a population that nothing needs are filled with dead particles."""
        record = Recorder(problem)
        shape = Shape(self.potentials)
        with record.guard():
            for number, size in enumerate(_sizes(n, self.particles)):
                self._steer(problem, size, (*seed, number), shape, record)
        return record.samples()

    def _steer(self, problem: Problem, size: int, seed: tuple[int, ...], shape: Shape, record: Recorder) -> None:
        streams = [Draws((*seed, 1, i)) for i in range(size * self.copies)]
        shared = Draws((*seed, 0))
        move: Move = MaskedMove(self.proposal)
        # the weights of a population add up to the estimate of size * Z
        particles = [Particle(problem.root) for _ in range(size)]
        sizes: list[float] = []
        record.ess.append(sizes)
        record.attempts += size
        try:
            while any(particle.moving for particle in particles):
                moving = [particle for particle in particles if particle.moving]
                grown = [particle for particle in particles if particle.prefix.ended]
                for particle in moving:
                    for _ in range(self.copies):
                        copy = particle.copy()
                        copy.log_weight -= float(np.log(self.copies))
                        grown.append(copy)
                ended = len(grown) - len(moving) * self.copies
                step(problem, grown, [shared] * ended + streams, move, shape)
                weights = np.array([particle.log_weight for particle in grown])
                sizes.append(effective_size(weights))
                best = weights.max(initial=-np.inf)
                if best == -np.inf:
                    particles = grown[:size]
                    break
                particles = []
                for i, weight in shared.survivors(np.exp(weights - best), size):
                    grown[i].log_weight = float(np.log(weight) + best)
                    particles.append(grown[i])
        finally:
            put(record, particles)
            for _ in range(size - len(particles)):
                record.add(problem.root, -np.inf, 0.0)


def _sizes(n: int, particles: int | None) -> list[int]:
    """Sizes of the populations: equal ones, and a smaller last one where they do not come out even."""
    if particles is None or particles >= n:
        return [n] if n else []
    return [particles] * (n // particles) + ([n % particles] if n % particles else [])


def _check_particles(particles: int | None) -> None:
    if particles is not None and particles < 1:
        raise InputError(f"particles={particles}", hint="It is at least 1, or None")
