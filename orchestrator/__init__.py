"""Promotion orchestrator: a model version reaches production only through the checks and the people its policy names.

The way of a signal, which is also the order of the packages (nothing imports what stands to its right):

    errors <- signals, policy <- decide <- promotion <- ports <- flow <- adapters, console <- wiring
           <- function_app, local
"""
