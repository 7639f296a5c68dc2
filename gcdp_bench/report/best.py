"""Where a model is shown when it is shown once: at the lowest FID of its sweep."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from gcdp_bench.report.style import title
from gcdp_bench.tables import knob_text, primary_totals


@dataclass(frozen=True)
class Setting:
    """A model at one value of its knob and one number of sampling steps."""

    model: str
    knob: str
    guidance: float  # value of the knob
    steps: int
    names_steps: bool  # the model was sampled with other numbers of steps as well

    @property
    def value(self) -> str:
        """Value of the knob and, where there are several, steps; empty where it has neither."""
        parts = [] if self.knob == "none" else [knob_text(self.knob, self.guidance)]
        return ", ".join([*parts, f"{self.steps} steps"] if self.names_steps else parts)

    @property
    def label(self) -> str:
        """Model and value, for figures."""
        return ", ".join(part for part in (title(self.model), self.value) if part)

    def rows(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Those of this setting, of every seed."""
        return rows[
            (rows["model"] == self.model)
            & (rows["guidance"] == self.guidance)
            & (rows["steps"] == self.steps)
        ]


def best_setting(rows: pd.DataFrame, model: str) -> Setting:
    """Knob value and steps at which the mean FID over seeds is lowest."""
    totals = primary_totals(rows)
    fid = totals[(totals["metric"] == "fid") & (totals["model"] == model)]
    means = fid.groupby(["knob", "guidance", "steps"])["value"].mean()
    knob, guidance, steps = means.index[int(means.argmin())]
    several = fid["steps"].nunique() > 1
    return Setting(model, str(knob), float(guidance), int(steps), several)


def settings(rows: pd.DataFrame, model: str) -> list[Setting]:
    """Every knob value of a model, in order, at the steps of its lowest FID."""
    best = best_setting(rows, model)
    own = rows[(rows["model"] == model) & (rows["steps"] == best.steps)]
    values = sorted(float(value) for value in own["guidance"].unique())
    return [replace(best, guidance=value) for value in values]
