"""Find the operators behind fleets of sockpuppet accounts, and show the evidence."""

__version__ = "0.1.0"
