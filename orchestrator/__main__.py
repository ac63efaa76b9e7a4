"""`python -m orchestrator` is the command `orchestrator`."""

from orchestrator.console.cli import main

if __name__ == "__main__":
    main()
