"""A seeded fuzzer: damaged raw data, requests, records and flags. See __main__.py."""
