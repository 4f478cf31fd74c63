"""Frames of a camera, looked at while they come: a socket of its own beside Streamlit's."""
