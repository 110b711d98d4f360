"""All that one fake Mailgun knows and remembers. It outlives a restart of its server."""

from consumer.sandbox.mailgun.deliveries import Courier, Delivery
from consumer.sandbox.mailgun.domains import Domains
from consumer.sandbox.mailgun.events import Event
from consumer.sandbox.mailgun.faults import Script
from consumer.sandbox.mailgun.keys import Keys
from consumer.sandbox.mailgun.limits import RateLimits
from consumer.sandbox.mailgun.mischief import Mischief
from consumer.sandbox.mailgun.options import Options
from consumer.sandbox.mailgun.postman import Postman
from consumer.sandbox.mailgun.rules import RuleBook
from consumer.sandbox.mailgun.store import Store
from consumer.sandbox.mailgun.stored_templates import Templates
from consumer.sandbox.mailgun.subaccounts import Subaccounts
from consumer.sandbox.mailgun.suppressions import Suppressions
from consumer.sandbox.mailgun.switches import SwitchBoard
from consumer.sandbox.mailgun.tags import Tags
from consumer.sandbox.mailgun.webhooks import Webhooks


class World:
    """The parts, tied together."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.switches = SwitchBoard(options.switches)
        self.script = Script()
        self.deliveries: RuleBook[Delivery] = RuleBook()
        self.mischief: RuleBook[Mischief] = RuleBook()
        self.keys = Keys(options.api_keys, options.now)
        self.subaccounts = Subaccounts(options.signing_key, options.now)
        self.webhooks = Webhooks(
            options.now, lambda: self.switches.now.webhook_change_delay_seconds
        )
        self.postman = Postman(
            self.webhooks, self.mischief, self.switches, self.subaccounts, options.now
        )
        self.limits = RateLimits(options.rate_limits, options.now)
        self.probation_recipients = options.probation_recipients
        """Most recipients of one call while the account is on probation; None: it is not."""
        self.domains = Domains(options.domains, options.now)
        self.tags = Tags()
        self.templates = Templates(options.now)
        self.suppressions = Suppressions(options.now)
        courier = Courier(self.deliveries, self.switches, self.suppressions.keeping_back)
        self.store = Store(
            options, courier.plan, lambda: self.switches.now.event_delay_spread_seconds
        )
        self.store.listeners += [self._suppress, self.postman.told]

    def pump(self) -> None:
        """Let happen what is due; the server calls it many times a second."""
        self.store.settle()
        self.postman.dispatch()

    def reset(self) -> None:
        """As if it had just started."""
        self.store.reset()
        self.script.clear()
        self.deliveries.clear()
        self.suppressions.reset()
        self.mischief.clear()
        self.limits.reset()
        self.probation_recipients = self.options.probation_recipients
        self.domains.reset()
        self.tags.reset()
        self.templates.reset()
        self.keys.reset()
        self.subaccounts.reset()
        self.webhooks.reset()
        self.postman.reset()
        self.switches.reset()

    def _suppress(self, event: Event) -> None:
        """Bounces, complaints and unsubscribes populate their lists by themselves."""
        mail = event.stored.mail
        if event.kind == "complained":
            self.suppressions.complained(mail.domain, mail.recipient)
        elif event.kind == "unsubscribed":
            self.suppressions.unsubscribed(mail.domain, mail.recipient)
        elif event.kind == "failed" and event.reason in ("bounce", "hardfail"):
            status = event.details.get("delivery-status") or {}
            self.suppressions.bounced(
                mail.domain,
                mail.recipient,
                str(status.get("code", 550)),
                status.get("message", ""),
            )
