"""A stateful GitHub in memory, for local runs, the demo and the tests.

It speaks the part of GitHub's REST API that a promotion needs: dispatch a workflow, find and follow its run, read and
decide its gate, read environments. Start it with `server.running(StandIn())` or `python -m orchestrator.local.github`.
It stands apart: it imports nothing else of the orchestrator, so that both cannot be wrong in the same way.
"""
