"""Baselines: what is normal for this actor, at this hour, among these peers; and what is not."""
