"""The flow: the only code that orders the steps. It decides nothing itself and knows no adapter."""
