"""Trainers of the shipped models, one command each."""
