"""Stage 7: how texts are drawn from a model under a grammar.

:func:`choose` takes one token; :func:`sample` draws whole texts by one of the samplers, with weights that say how far
they are from the model's law conditioned on the constraint.
"""

from structgen.sampling.asap import ASAp
from structgen.sampling.beam import Beam
from structgen.sampling.cars import CARS
from structgen.sampling.choose import GREEDY, Masked, choose, stream
from structgen.sampling.exact import Exact
from structgen.sampling.hmm import HMM
from structgen.sampling.mcmc import MCMC
from structgen.sampling.phrases import Phrases, without
from structgen.sampling.predicate import Predicate
from structgen.sampling.problem import Model, Problem
from structgen.sampling.runs import Sampler
from structgen.sampling.sample import sample
from structgen.sampling.samples import Samples
from structgen.sampling.smc import AWRS, SMC, PowerSMC, Steering
from structgen.sampling.speculation import (
    DraftModel,
    EarlierTexts,
    ForcedSpans,
    ForeignModel,
    PromptLookup,
    Speculation,
)
from structgen.sampling.theta import Theta

__all__ = [
    "AWRS",
    "CARS",
    "GREEDY",
    "HMM",
    "MCMC",
    "SMC",
    "ASAp",
    "Beam",
    "DraftModel",
    "EarlierTexts",
    "Exact",
    "ForcedSpans",
    "ForeignModel",
    "Masked",
    "Model",
    "Phrases",
    "PowerSMC",
    "Predicate",
    "Problem",
    "PromptLookup",
    "Sampler",
    "Samples",
    "Speculation",
    "Steering",
    "Theta",
    "choose",
    "sample",
    "stream",
    "without",
]
