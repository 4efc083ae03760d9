"""When and how each run is cut: drawn, so that the same seed replays them. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.proofs.light.scenario import Scenario, draw_scenario
from tests.proofs.light.site import BARE_HOSTS, HOSTS

CONTROLLER, DEATH, ENGINE = "controller", "death", "engine"
KINDS = (CONTROLLER, DEATH, ENGINE)
SCENARIOS = 4 * len(HOSTS)  # each has an undisturbed run, to which its cut ones are compared
AT_A_STEP = 0.6  # share of controller kills and deaths that come at a step, not at a moment
DELAY_SECONDS = 0.06  # at most, between a step and the cut


@dataclass(frozen=True)
class Cut:
    """One cut of one run.

    Attributes:
        number: of the cut; it chooses host, scenario and kind.
        kind: what dies: the controller's processes, the host, or the engine's process on it.
        at_step: whether it comes at a step of the engine, or at a moment.
        share: where in the undisturbed run's steps or seconds, from 0 to 1.
        delay: seconds after the step.
        tree: whether the children of the engine's process die with it.
    """

    number: int
    kind: str
    at_step: bool
    share: float
    delay: float
    tree: bool

    @property
    def host(self) -> str:
        """The host that it happens on."""
        return HOSTS[self.number % len(HOSTS)]

    @property
    def scenario(self) -> int:
        """Number of its scenario."""
        return self.number % SCENARIOS

    def step(self, steps: int) -> int:
        """Return the step after which it comes, counted from 1; 0 when it comes at a moment."""
        return 1 + int(self.share * steps) if self.at_step else 0


def draw_cut(number: int, seed: int, attempt: int = 0, only: str = "") -> Cut:
    """Draw a cut.

    Args:
        number: of the cut.
        seed: of the proof.
        attempt: how often its run has ended before the cut; each time it is drawn earlier.
        only: kind of all cuts; empty for all kinds in turn.
    """
    draw = random.Random(f"{seed}/cut/{number}/{attempt}")  # noqa: S311 - not a secret
    kind = only or KINDS[(number + number // len(HOSTS)) % len(KINDS)]
    at_step = draw.random() < AT_A_STEP or kind == ENGINE
    return Cut(
        number=number,
        kind=kind,
        at_step=at_step,
        share=round(draw.random() * 0.7**attempt, 3),
        delay=round(draw.random() * DELAY_SECONDS, 3),
        tree=draw.random() < 0.5,
    )


def scenario_of(number: int, seed: int) -> Scenario:
    """Return a scenario of the proof."""
    return draw_scenario(number, seed, bare=HOSTS[number % len(HOSTS)] in BARE_HOSTS)
