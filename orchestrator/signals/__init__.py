"""What happened outside, parsed once at the door into frozen records. No I/O, no clock, no environment.

signal.py      the records: an envelope and the five Azure ML events
delivery.py    bytes as posted -> one item per event: ours, not ours, or broken with its reason
handshake.py   Event Grid's question whether this address wants its events
envelope.py    the Event Grid and CloudEvents envelopes
azure_ml.py    the data of an Azure ML event
fields.py      single values out of foreign objects
json_text.py   JSON in, compact JSON out
"""
