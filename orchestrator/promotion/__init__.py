"""The promotion: the one record of one candidate on its way into one environment."""
