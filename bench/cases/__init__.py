"""What is asked: the case and its axes, the options, the choice they make, the plan. May import backends, support."""
