"""Reinforcement learning for labelling text."""
