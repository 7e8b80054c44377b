"""The job that most tests train: real digits, eight trials, four lineages, seconds."""

JOB = """\
name: small
dataset: digits
split: {test: 0.1}
model: shallow
space:
  batch_size: [64, 128]
  epochs: [1, 3]
  learning_rate: [0.1, 0.01]
  neurons: [10]
"""
