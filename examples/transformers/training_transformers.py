"""Hugging Face's Trainer and a tiny BERT made from its configuration: nothing is downloaded."""

import numpy as np
import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainerCallback, TrainingArguments


def sentences(count, seed):
    """Sequences of 12 tokens of 20; the label says whether token 3 stands more often than token 5."""
    generator = np.random.default_rng(seed)
    tokens = generator.integers(1, 20, (count, 12))
    tokens[:, ::2] = generator.choice([3, 5], (count, 6))
    labels = (tokens == 3).sum(1) > (tokens == 5).sum(1)
    return [{"input_ids": row, "labels": int(label)} for row, label in zip(tokens, labels, strict=True)]


class Report(TrainerCallback):
    def __init__(self, trial):
        self.trial = trial

    def on_evaluate(self, args, state, control, metrics, **kwargs):
        names = {"eval_loss": "val_loss", "eval_accuracy": "val_accuracy"}
        self.trial.report(round(state.epoch), **{name: metrics[key] for key, name in names.items()})


def train(trial):
    config = BertConfig(
        vocab_size=20, hidden_size=trial["width"], num_hidden_layers=trial["layers"], num_attention_heads=2,
        intermediate_size=2 * trial["width"], max_position_embeddings=12, num_labels=2,
    )  # fmt: skip
    arguments = TrainingArguments(
        num_train_epochs=trial.epochs, learning_rate=trial["learning_rate"], lr_scheduler_type="constant",
        per_device_train_batch_size=32, eval_strategy="epoch", save_strategy="no", report_to=[], seed=trial.seed,
        disable_tqdm=True, output_dir="unused", use_cpu=trial.device == "cpu",
    )  # fmt: skip
    trainer = Trainer(
        model=BertForSequenceClassification(config), args=arguments,
        train_dataset=sentences(480, 0), eval_dataset=sentences(240, 1), callbacks=[Report(trial)],
        compute_metrics=lambda given: {"accuracy": (given.predictions.argmax(-1) == given.label_ids).mean()},
    )  # fmt: skip
    trainer.train()
    return {"parameters_in_millions": sum(map(torch.numel, trainer.model.parameters())) / 1e6}
