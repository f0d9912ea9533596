"""InHand VT3 trackers, which connect to Home Assistant over TCP (FlexAPI)."""
