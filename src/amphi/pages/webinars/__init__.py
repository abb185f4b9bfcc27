"""The panel of a webinar, the join page of gateways, and what other systems tell by themselves."""
