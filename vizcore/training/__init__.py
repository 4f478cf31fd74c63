"""The harness that made ``assets/weights``, rerunnable: ``python -m vizcore.training <model>``."""
