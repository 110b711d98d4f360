"""New accounts may send small batches only; what else Mailgun grants them it does not document."""

from starlette.responses import JSONResponse, Response


def probation_refusal(domain: str, recipients: int, most: int | None) -> Response | None:
    """The 403 for a call with more recipients than the account is granted; `most` None: any."""
    if most is None or recipients <= most:
        return None
    text = f"Domain {domain} is not allowed to send large batches yet"
    return JSONResponse({"message": text}, 403)
