// One delivery that was refused: what was sent and answered, and sent once more when the other program is mended.
import assert from "node:assert/strict";
import { inspect } from "../checks.mjs";
import { enter } from "../keyboard.mjs";
import { operate, recordThat } from "../records.mjs";
import { receiver } from "../receiver.mjs";

/** Refused the first time. */
export async function path(context) {
  const other = await receiver((number) => (number === 1 ? [500, "Out for lunch"] : [200, "Thanks"]));
  const { endpoint } = await operate(context, "POST", "webhooks/endpoints", { url: other.url, events: ["user.registered"] });
  const { delivery } = await operate(context, "POST", `webhooks/endpoints/${endpoint.id}/test`);
  await recordThat(context, "webhook_deliveries", delivery, (record) => record.state === "failed");
  return `#/webhooks/deliveries/${delivery}`;
}

export async function use(page) {
  await enter(page, page.locator("summary", { hasText: "Attempt 1" }));
  await page.getByRole("region", { name: "Answer to attempt 1" }).getByText("Out for lunch").waitFor();
  assert.match(await page.locator(".header-list").first().innerText(), /webhook-signature\s+v1,/);
  await inspect(page, "webhook delivery, unfolded");
  await enter(page, page.getByRole("button", { name: "Replay" }));
  await page.locator("summary", { hasText: "Attempt 2" }).waitFor();
  await page.getByText("The other program has answered that it has it.").waitFor();
}
