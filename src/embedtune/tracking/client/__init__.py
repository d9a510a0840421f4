"""The calls to MLflow. Imported through :func:`embedtune.tracking.store.connect` only, because it imports mlflow."""
