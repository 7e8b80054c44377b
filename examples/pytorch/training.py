"""A loop of plain PyTorch on colour images of 32 x 32 pixels: scikit-learn's digits, enlarged."""

import torch
from sklearn.datasets import load_digits
from torch import nn


def images():
    digits = load_digits()
    x = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16
    x = nn.functional.interpolate(x, size=(32, 32), mode="bilinear").repeat(1, 3, 1, 1)
    y = torch.tensor(digits.target)
    return x[:1200], y[:1200], x[1200:], y[1200:]


def train(trial):
    x, y, x_val, y_val = (part.to(trial.device) for part in images())
    model = nn.Sequential(
        nn.Conv2d(3, trial["channels"], 5, stride=2, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(trial["channels"], 2 * trial["channels"], 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(2),
        nn.Flatten(), nn.Linear(8 * trial["channels"], 10),
    ).to(trial.device)  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=trial["learning_rate"])
    start = trial.restore(model, optimizer)
    for epoch in range(start + 1, trial.epochs + 1):
        model.train()
        for part in torch.randperm(len(x)).split(trial["batch_size"]):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[part]), y[part]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            outputs = model(x_val)
        loss = nn.functional.cross_entropy(outputs, y_val)
        accuracy = (outputs.argmax(1) == y_val).float().mean()
        trial.report(epoch, val_loss=loss, val_accuracy=accuracy, save=[model, optimizer])
