"""Tools on the event stream that leave production alone: tap, replay, shadow."""
