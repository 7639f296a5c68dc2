"""The point at which a model is shown once: the lowest FID of its sweep."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from gcdp_bench.report.style import title
from gcdp_bench.results.summary import param_text, primary_totals


@dataclass(frozen=True)
class Setting:
    """A model at one value of its parameter and one number of sampling steps."""

    model: str
    param_name: str
    param_value: float  # value of the parameter
    steps: int
    names_steps: bool  # the model was sampled with other numbers of steps as well

    @property
    def value(self) -> str:
        """Parameter and, where there are several, steps; empty where it has neither."""
        parts = [] if self.param_name == "none" else [param_text(self.param_name, self.param_value)]
        return ", ".join([*parts, f"{self.steps} steps"] if self.names_steps else parts)

    @property
    def label(self) -> str:
        """Model and value, for figures."""
        return ", ".join(part for part in (title(self.model), self.value) if part)

    def rows(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Those of this setting, of every seed."""
        return rows[
            (rows["model"] == self.model)
            & (rows["param_value"] == self.param_value)
            & (rows["steps"] == self.steps)
        ]


def best_setting(rows: pd.DataFrame, model: str) -> Setting:
    """Parameter value and steps at which the mean FID over seeds is lowest; the first ones where
    the rows have no FID.

    Args:
        rows: tidy rows, some of the model.
        model: generator's name.
    """
    own = rows[rows["model"] == model]
    fid = primary_totals(own)
    fid = fid["value"].where(fid["metric"] == "fid")
    means = own.assign(fid=fid).groupby(["param_name", "param_value", "steps"])["fid"].mean()
    name, value, steps = means.index[0 if means.isna().all() else int(means.argmin())]
    several = own["steps"].nunique() > 1
    return Setting(model, str(name), float(value), int(steps), several)


def settings(rows: pd.DataFrame, model: str) -> list[Setting]:
    """Every parameter value of a model, in order, at the steps of its lowest FID."""
    best = best_setting(rows, model)
    own = rows[(rows["model"] == model) & (rows["steps"] == best.steps)]
    values = sorted(float(value) for value in own["param_value"].unique())
    return [replace(best, param_value=value) for value in values]
