"""What other systems are told (webhooks out): written in the transaction of what happened, delivered by the worker."""
