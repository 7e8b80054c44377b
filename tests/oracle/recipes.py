"""Jobs that between them use every key of the recipe, every schedule and every optimiser, small enough for a test."""

from __future__ import annotations

HEAD = """\
name: {name}
dataset: digits
split: {{test: 0.1, train: 150, validation: 600}}
batch_size: 32
epochs: 3
"""

CASES: dict[str, str] = {
    "optimizers and schedules": """\
model: shallow
momentum: 0.8
weight_decay: 0.01
learning_rate: 0.003
step_size: 1
gamma: 0.5
plateau_patience: 0
min_learning_rate: 0.001
space:
  neurons: [9]
  optimizer: [sgd, adam, adamw, rmsprop]
  schedule: [constant, step, cosine, one_cycle, plateau]
""",
    "coefficients of optimizers": """\
model: shallow
momentum: 0.5
weight_decay: 0.01
learning_rate: 0.003
space:
  neurons: [9]
  optimizer: [adam, adamw, rmsprop]
  betas: [[0.9, 0.999], [0.5, 0.9]]
  eps: [0.00000001, 0.001]
  alpha: [0.99, 0.8]
""",
    "coefficients in a stack": """\
model: cnn
learning_rate: 0.01
space:
  filters: [[3]]
  optimizer: [adam, rmsprop]
  betas: [[0.8, 0.99], [0.5, 0.9]]
  eps: [0.001, 0.01]
  alpha: [0.9, 0.8]
""",
    "warm-up": """\
model: shallow
epochs: 5
momentum: 0.5
learning_rate: 0.2
step_size: 1
gamma: 0.5
plateau_patience: 0
power: 2
warmup_start: 0.1
space:
  neurons: [9]
  schedule: [constant, step, cosine, polynomial, plateau, one_cycle]
  warmup_epochs: [0.6, 2]
""",
    "warm-up by steps of several batches": """\
model: cnn
accumulate: 2
warmup_epochs: 0.5
power: 0.5
space:
  filters: [[3]]
  schedule: [polynomial, cosine]
  learning_rate: [0.1, 0.02]
""",
    "several batches for a step": """\
model: one_conv_cnn
batch_size: 16
accumulate: 4
weight_decay: 0.01
l1: 0.001
schedule: one_cycle
space:
  filters: [3]
  neurons: [9]
  clip_norm: [0, 0.3]
  last_batch: [keep, merge]
  learning_rate: [0.1, 0.05]
""",
    "several batches for a step of dense networks": """\
model: shallow
batch_size: 16
learning_rate: 0.3
warmup_epochs: 1
space:
  neurons: [9, 12]
  accumulate: [2, 3]
  momentum: [0, 0.5]
  class_weights: [none, balanced]
""",
    "averaged weights": """\
model: cnn
early_stopping: 3
restore_best: true
freeze: "features.conv1.*"
learning_rate: 0.05
class_weights: balanced
accumulate: 2
space:
  filters: [[3]]
  batch_norm: [first]
  ema: [0.5, 0.9]
  optimizer: [sgd, adam]
""",
    "averaged dense networks": """\
model: deep
learning_rate: 0.3
space:
  hidden: [[7, 9], [12, 8]]
  ema: [0, 0.8, 0.95]
  momentum: [0, 0.5]
""",
    "functions of one's own": """\
model: cnn
space:
  filters: [[3]]
  dropout_conv: [0.2]
  schedule: [constant, "tests.oracle.own_functions:decay"]
  rate: [0.5]
  augment: ["", "tests.oracle.own_functions:turned"]
  noise: [0.1]
  learning_rate: [0.05, 0.02]
""",
    "functions beside what there is": """\
model: shallow
precision: float64
accumulate: 2
flip: true
epochs: 4
schedule: tests.oracle.own_functions:to_zero
augment: tests.oracle.own_functions:Counted
learning_rate: 0.2
space:
  neurons: [9]
  warmup_epochs: [0, 0.5]
  strength: [1, 2]
""",
    "plain descent of any width": """\
model: deep
label_smoothing: 0.1
space:
  hidden: [[7], [12], [5]]
  learning_rate: [0.5, 0.1]
  schedule: [one_cycle, constant]
""",
    "penalties and limits": """\
model: one_conv_cnn
momentum: 0.5
weight_decay: 0.01
space:
  filters: [3]
  neurons: [9]
  l1: [0, 0.001]
  label_smoothing: [0, 0.2]
  clip_norm: [0, 0.3]
  nesterov: [false, true]
  learning_rate: [0.05]
""",
    "class weights of dense networks": """\
model: deep
space:
  hidden: [[7], [12]]
  class_weights: [none, balanced, [1, 2, 3, 0.5, 1, 1, 0, 1, 1, 4]]
  label_smoothing: [0, 0.2]
  momentum: [0, 0.5]
  learning_rate: [0.2, 0.05]
""",
    "class weights": """\
model: one_conv_cnn
space:
  filters: [3]
  neurons: [9]
  class_weights: [none, balanced, [1, 2, 3, 0.5, 1, 1, 0, 1, 1, 4]]
  label_smoothing: [0, 0.2]
  learning_rate: [0.05, 0.02]
""",
    "images": """\
model: cnn
space:
  filters: [[3]]
  batch_norm: [first]
  normalization: [scale, channel, image, imagenet]
  crop_padding: [0, 1]
  flip: [true]
  learning_rate: [0.05, 0.02]
""",
    "turned images": """\
model: cnn
epochs: 2
space:
  filters: [[3]]
  dropout_conv: [0.2]
  rotation: [0, 25]
  shift: [0, 0.2]
  zoom: [0, 0.3]
  learning_rate: [0.05, 0.02]
""",
    "last batches": """\
model: cnn
space:
  filters: [[3]]
  batch_norm: [first]
  last_batch: [keep, drop, merge]
  schedule: [constant, one_cycle]
  flip: [false, true]
  learning_rate: [0.05, 0.02]
""",
    "last batches of dense networks": """\
model: shallow
space:
  neurons: [9]
  last_batch: [drop, merge]
  momentum: [0, 0.5]
  learning_rate: [0.3, 0.1]
""",
    "endings": """\
model: shallow
epochs: 12
early_stopping: 2
space:
  neurons: [10]
  learning_rate: [1.5, 0.3, 0.01]
  restore_best: [true, false]
  momentum: [0.0, 0.9]
""",
    "what is drawn": """\
model: mlp
split: {test: 0.1, folds: 2, stratify: true, train: 150}
data_seed: 5
seed: 7
repeats: 2
space:
  hidden: [[12, 9]]
  dropout_1: [0.4]
  learning_rate: [0.05, 0.02]
""",
    "frozen": """\
model: cnn
optimizer: adamw
weight_decay: 0.1
space:
  filters: [[3, 3]]
  freeze: ["", "features.conv1.*", "* !classifier.*"]
  learning_rate: [0.003, 0.001]
""",
    "exact": """\
model: cnn
precision: float64
optimizer: adam
weight_decay: 0.01
space:
  filters: [[3]]
  batch_norm: [first]
  dropout_conv: [0.2]
  clip_norm: [0, 0.5]
  schedule: [one_cycle, constant]
  learning_rate: [0.01, 0.002]
""",
    "mixed": """\
model: one_conv_cnn
precision: mixed
space:
  filters: [3]
  neurons: [9]
  clip_norm: [0, 0.5]
  learning_rate: [0.02, 0.01]
""",
}

TEACHER = """\
model: three_conv_cnn
normalization: channel
learning_rate: 0.05
momentum: 0.9
space:
  filters: [4]
  neurons: [12]
"""

STUDENT = """\
teacher: {job: teacher}
model: one_conv_cnn
space:
  filters: [3]
  neurons: [9]
  distillation: [none, soft, hidden]
  temperature: [2, 5]
  distillation_weight: [0.25, 0.8]
  learning_rate: [0.05, 0.02]
"""

STARTED = """\
model: shallow
pretrained: start.pt
freeze: "*.bias"
space:
  neurons: [9]
  learning_rate: [0.1, 0.02]
"""


#: On data that are no images of bytes: see `test_numbers.py`.
NUMBERS: dict[str, str] = {
    "table": """\
dataset: table.npz
model: perceptron
space:
  normalization: [none, channel, image]
  learning_rate: [0.0001, 0.00001]
""",
    "exact table": """\
dataset: table.npz
model: mlp
precision: float64
normalization: channel
optimizer: adam
space:
  hidden: [[12, 9]]
  learning_rate: [0.01, 0.002]
""",
    "small floats": """\
dataset: half.npz
model: shallow
normalization: channel
space:
  neurons: [9, 12]
  learning_rate: [0.1, 0.02]
""",
    "rows": """\
dataset: rows.npz
model: number_nets:Rows
space:
  normalization: [none, channel]
  learning_rate: [0.01, 0.002]
""",
    "floating images": """\
dataset: floating.npz
model: cnn
normalization: channel
space:
  filters: [[3]]
  flip: [true]
  crop_padding: [0, 1]
  learning_rate: [0.05, 0.02]
""",
    "volumes": """\
dataset: volumes.npz
model: number_nets:Volumes
normalization: channel
space:
  learning_rate: [0.01, 0.002]
""",
    "tokens": """\
dataset: tokens.npz
model: number_nets:Tokens
momentum: 0.9
space:
  vocabulary: [17]
  learning_rate: [0.1, 0.02]
""",
}

#: With other targets than classes, and losses of users: see `test_tasks.py`.
TASKS: dict[str, str] = {
    "regression": """\
dataset: numbers.npz
model: shallow
early_stopping: 2
space:
  neurons: [9]
  loss: [mse, mae, huber]
  weight_decay: [0, 0.1]
  learning_rate: [0.1, 0.02]
""",
    "several numbers": """\
dataset: pairs.npz
model: mlp
precision: float64
optimizer: adam
last_batch: drop
space:
  hidden: [[12, 9]]
  loss: [mse, huber]
  learning_rate: [0.01, 0.002]
""",
    "several labels": """\
dataset: several.npz
model: cnn
loss: bce
space:
  filters: [[3]]
  learning_rate: [0.05, 0.02]
""",
    "focal": """\
dataset: digits.npz
model: shallow
loss: tests.oracle.own_losses:Focal
clip_norm: 1
space:
  neurons: [9]
  loss_gamma: [0.5, 2]
  learning_rate: [0.1, 0.02]
""",
    "a loss that branches": """\
dataset: digits.npz
model: shallow
loss: tests.oracle.own_losses:Branching
space:
  neurons: [9]
  learning_rate: [0.1, 0.02]
""",
    "a function": """\
dataset: numbers.npz
model: shallow
loss: tests.oracle.own_losses:quantile
space:
  neurons: [9]
  loss_q: [0.5, 0.9]
  learning_rate: [0.1, 0.02]
""",
}


def job(name: str, text: str) -> str:
    """Return a job of a name; what the text says again, it says instead of the head."""
    keys = {line.partition(":")[0] for line in text.splitlines()}
    head = [line for line in HEAD.format(name=name).splitlines() if line.partition(":")[0] not in keys]
    return "\n".join([*head, text])
