"""LightGBM: boosting rounds are epochs, so a run of 60 rounds yields the trials of 20 and 40 too, and goes on later."""

import lightgbm as lgb
from sklearn.datasets import load_digits


class Saved:
    """What is kept of a booster, to go on from it."""

    booster = None

    def state_dict(self):
        return {"model": self.booster.model_to_string()}

    def load_state_dict(self, state):
        self.booster = lgb.Booster(model_str=state["model"])


def train(trial):
    images, labels = load_digits(return_X_y=True)
    first = lgb.Dataset(images[:1200], labels[:1200], free_raw_data=False)
    rest = lgb.Dataset(images[1200:], labels[1200:], reference=first, free_raw_data=False)
    parameters = {
        "objective": "multiclass", "num_class": 10, "metric": ["multi_logloss", "multi_error"], "verbose": -1,
        "learning_rate": trial["learning_rate"], "num_leaves": trial["leaves"], "num_threads": 1, "seed": trial.seed,
    }  # fmt: skip
    saved = Saved()
    start = trial.restore(saved)

    def report(env):
        epoch = env.iteration + 1
        saved.booster = env.model
        (_, _, loss, _), (_, _, error, _) = env.evaluation_result_list
        # Every tenth round is enough to go on from.
        trial.report(epoch, val_loss=loss, val_error=error, save=[saved] if epoch % 10 == 0 else None)

    lgb.train(parameters, first, trial.epochs - start, valid_sets=[rest], init_model=saved.booster, callbacks=[report])
