// Every call that an email-sending service makes, with Mailgun's own JavaScript client.
import FormData from "form-data";
import Mailgun from "mailgun.js";

const [url, key, domain] = process.argv.slice(2);
const mg = new Mailgun(FormData).client({ username: "api", key, url });
const results = {};

async function step(name, work) {
  try {
    results[name] = await work();
  } catch (error) {
    results[name] = { status: error.status, details: error.details ?? error.message };
  }
}

const message = (more) => ({
  from: `Alarms <alarms@${domain}>`,
  to: ["ops@example.org", "boss@example.org"],
  subject: "CPU high",
  text: "It is.",
  "o:tag": ["a", "b"],
  ...more,
});

await step("send", () => mg.messages.create(domain, message({ "o:testmode": true })));
await step("file", () =>
  mg.messages.create(domain, message({ attachment: [{ filename: "a.txt", data: Buffer.from("x") }] })),
);
await step("batch", () =>
  mg.messages.create(
    domain,
    message({
      text: "%recipient.n%",
      "recipient-variables": JSON.stringify({ "ops@example.org": { n: 1 }, "boss@example.org": { n: 2 } }),
    }),
  ),
);
await step("refused", () => mg.messages.create(domain, message({ to: "nobody" })));
await step("mime", () =>
  mg.messages.create(domain, { to: ["ops@example.org"], message: "Subject: Hi\r\n\r\nText" }),
);

await step("events", async () => {
  const walked = [];
  let page = await mg.events.get(domain, { limit: 3, ascending: "yes", event: "accepted" });
  while (page.items.length) {
    walked.push(page.items.length);
    page = await mg.events.get(domain, { page: page.pages.next.page, limit: 3 });
  }
  return walked;
});
await step("logs", async () => {
  const day = 24 * 3600 * 1000;
  const answer = await mg.logs.list({
    start: new Date(Date.now() - day),
    end: new Date(Date.now() + day),
    events: ["accepted"],
    filter: {
      AND: [{ attribute: "domain", comparator: "=", values: [{ label: domain, value: domain }] }],
    },
    pagination: { sort: "timestamp:asc", limit: 2 },
  });
  return answer.items.map((item) => item.recipient);
});
await step("metrics", async () => {
  const day = 24 * 3600 * 1000;
  const answer = await mg.metrics.getAccount({
    start: new Date(Date.now() - day),
    end: new Date(Date.now() + day),
    resolution: "day",
    dimensions: ["tag"],
    metrics: ["accepted_count"],
  });
  return answer.items.map((item) => item.metrics.accepted_count);
});
await step("stats", async () => {
  const answer = await mg.stats.getDomain(domain, { event: ["accepted"], duration: "1d" });
  const account = await mg.stats.getAccount({ event: ["accepted"] });
  return [answer, account].map(({ stats }) => stats[stats.length - 1].accepted.total);
});
await step("tracking", async () => {
  await mg.domains.updateTracking(domain, "open", { active: true, place_at_the_top: "no" });
  const { open, click } = await mg.domains.getTracking(domain);
  return [open.active, click.active];
});

await step("suppressions", async () => {
  const many = Array.from({ length: 5 }, (_, n) => ({ address: `r${n}@x.org`, code: 550, error: "gone" }));
  await mg.suppressions.create(domain, "bounces", many);
  const walked = [];
  let page = await mg.suppressions.list(domain, "bounces", { limit: 2 });
  while (page.items.length) {
    walked.push(...page.items.map((item) => item.address));
    page = await mg.suppressions.list(domain, "bounces", { page: page.pages.next.page, limit: 2 });
  }
  const one = await mg.suppressions.get(domain, "bounces", "r1@x.org");
  const gone = await mg.suppressions.destroy(domain, "bounces", "r1@x.org");
  return { walked, code: one.code, gone: gone.status };
});
await step("webhooks", async () => {
  await mg.webhooks.create(domain, "delivered", "https://example.org/hook");
  const listed = await mg.webhooks.list(domain, {});
  const updated = await mg.webhooks.update(domain, "delivered", ["https://example.org/a", "https://example.org/b"]);
  const gone = await mg.webhooks.destroy(domain, "delivered");
  return { listed: listed.delivered.urls, updated: updated.urls, gone: gone.message ?? gone.urls };
});
await step("domains", async () => {
  const listed = await mg.domains.list();
  const one = await mg.domains.get(domain);
  return { listed: listed.map((item) => item.name), state: one.state };
});
await step("templates", async () => {
  await mg.domains.domainTemplates.create(domain, { name: "alarm", description: "x", template: "{{state}}" });
  await mg.messages.create(
    domain,
    message({ text: undefined, template: "alarm", "t:variables": JSON.stringify({ state: "CRITICAL" }) }),
  );
  const listed = await mg.domains.domainTemplates.list(domain);
  return listed.items.map((item) => item.name);
});
await step("tags", async () => {
  const listed = await mg.domains.domainTags.list(domain);
  return listed.items.map((item) => item.tag);
});

console.log(JSON.stringify(results));
