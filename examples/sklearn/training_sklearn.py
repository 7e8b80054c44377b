"""scikit-learn: a random forest on its digits, scored by cross-validation; there are no epochs."""

from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_validate


def train(trial):
    images, labels = load_digits(return_X_y=True)
    forest = RandomForestClassifier(
        n_estimators=trial["trees"], max_depth=trial["depth"], max_features=trial["features"], random_state=trial.seed
    )
    scores = cross_validate(forest, images, labels, cv=3, scoring=["accuracy", "f1_macro"])
    return {"val_accuracy": scores["test_accuracy"].mean(), "val_f1": scores["test_f1_macro"].mean()}
