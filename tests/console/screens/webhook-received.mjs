// What another program has sent, with a right signature: found in the inbox, and read.
import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { enter } from "../keyboard.mjs";
import { operate } from "../records.mjs";

const BODY = JSON.stringify({ type: "payment.done", data: { amount: { minor: 1250, currency: "EUR" }, customer: "Clara Hoffmann" } });

/** Sends one as the standard says. */
export async function path(context) {
  const { secret } = await operate(context, "POST", "webhooks/sources", { id: "till", name: "The till", scheme: "standard" });
  const id = `msg_${randomUUID()}`;
  const time = String(Math.floor(Date.now() / 1000));
  const signature = createHmac("sha256", Buffer.from(secret.replace("whsec_", ""), "base64")).update(`${id}.${time}.${BODY}`).digest("base64");
  const headers = { "content-type": "application/json", "webhook-id": id, "webhook-timestamp": time, "webhook-signature": `v1,${signature}` };
  const reply = await fetch(`${process.env.PUBLIC}/api/v1/webhooks/inbound/till`, { method: "POST", headers, body: BODY });
  assert.equal(reply.status, 200);
  return `#/webhooks/received/${(await reply.json()).id}`;
}

export async function use(page) {
  assert.match(await page.getByRole("region", { name: "What it tells" }).innerText(), /Data customer\s+Clara Hoffmann/);
  await page.locator(".header-list", { hasText: "webhook-timestamp" }).waitFor();
  await enter(page, page.getByRole("link", { name: "Webhooks" }).last());
  await enter(page, page.getByRole("link", { name: "The till" }));
  await page.getByRole("heading", { level: 1, name: "The till" }).waitFor();
}
