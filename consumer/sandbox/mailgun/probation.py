"""New accounts may send small batches only; what else Mailgun grants them it does not document."""


def probation_refusal(domain: str, recipients: int, most: int | None) -> str | None:
    """The text of the 403 for a call with more recipients than the account is granted; `most`
    None: any."""
    if most is None or recipients <= most:
        return None
    return f"Domain {domain} is not allowed to send large batches yet"
