"""The running parts: poll loop, lanes, senders, tracker."""
