"""PyTorch Lightning: a LightningModule as it is, and a callback that reports and stops."""

import pytorch_lightning as pl
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Digits(pl.LightningModule):
    def __init__(self, width, learning_rate):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))

    def training_step(self, batch, _):
        x, y = batch
        return nn.functional.cross_entropy(self.net(x), y)

    def validation_step(self, batch, _):
        x, y = batch
        outputs = self.net(x)
        self.log("val_loss", nn.functional.cross_entropy(outputs, y))
        self.log("val_accuracy", (outputs.argmax(1) == y).float().mean())

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.hparams.learning_rate)


class Report(pl.Callback):
    def __init__(self, trial):
        self.trial = trial

    def on_validation_epoch_end(self, trainer, module):
        if not trainer.sanity_checking:
            self.trial.report(trainer.current_epoch + 1, **trainer.callback_metrics)


def train(trial):
    x, y = load_digits(return_X_y=True)
    data = TensorDataset(torch.tensor(x / 16, dtype=torch.float32), torch.tensor(y))
    first, rest = torch.utils.data.random_split(data, [1200, len(data) - 1200], torch.Generator().manual_seed(0))
    trainer = pl.Trainer(
        max_epochs=trial.epochs, accelerator=trial.device.replace("cuda", "gpu"), devices=1, logger=False,
        enable_checkpointing=False, enable_progress_bar=False, callbacks=[Report(trial)],
    )  # fmt: skip
    loaders = DataLoader(first, trial["batch_size"], shuffle=True), DataLoader(rest, 600)
    trainer.fit(Digits(trial["width"], trial["learning_rate"]), *loaders)
