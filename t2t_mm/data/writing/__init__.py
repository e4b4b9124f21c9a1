"""Writes data sets: in pieces, then in shards, on this machine or by Apache Beam."""
