"""What users choose an analysis by: apart from what computes it, as the command line names it when it starts."""

from typing import Literal, get_args

#: What stands for a cell of several points where jobs are compared: the best of them, or their mean.
By = Literal["best", "mean"]
#: Which trials the effects are of: all with a score, or the better half or quarter of them.
Within = Literal["all", "half", "quarter"]
WITHIN: tuple[Within, ...] = get_args(Within)
