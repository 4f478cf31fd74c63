"""The harness that made ``vizcore/assets/weights``, rerunnable: ``python -m vizcore.training <model>``."""
