"""A job's trials as the runs of other programs: TensorBoard, MLflow."""
