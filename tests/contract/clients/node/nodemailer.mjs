// A mail through Nodemailer and its transport for Mailgun.
import nodemailer from "nodemailer";
import mailgun from "nodemailer-mailgun-transport";

const [url, key, domain] = process.argv.slice(2);
const transport = nodemailer.createTransport(mailgun({ auth: { api_key: key, domain }, url }));

const sent = await transport.sendMail({
  from: `Alarms <alarms@${domain}>`,
  to: [{ name: "Ops", address: "ops@example.org" }, "boss@example.org"],
  replyTo: "reply@example.org",
  subject: "CPU high",
  text: "It is.",
  html: "<b>It is.</b>",
  messageId: `<own@${domain}>`,
  attachments: [{ filename: "a.txt", content: "hello" }],
  "o:tag": ["critical"],
});
let refused;
try {
  await transport.sendMail({ from: `a@${domain}`, to: "nobody", subject: "x", text: "x" });
} catch (error) {
  refused = { status: error.status, details: error.details };
}
console.log(JSON.stringify({ sent, refused }));
