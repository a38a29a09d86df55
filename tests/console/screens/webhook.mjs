// One endpoint: paused and resumed, given a new secret, told of other events, tried; what was sent and answered; and deleted.
import assert from "node:assert/strict";
import { person, settled, signIn } from "../browser.mjs";
import { inspect } from "../checks.mjs";
import { enter, tabTo } from "../keyboard.mjs";
import { operate, recordThat } from "../records.mjs";
import { receiver } from "../receiver.mjs";

let other;
/** The endpoint after a first test, so that its log has something. */
export async function path(context) {
  other = await receiver();
  const { endpoint } = await operate(context, "POST", "webhooks/endpoints", { url: other.url, events: ["user.registered"], description: "Accounting" });
  const { delivery } = await operate(context, "POST", `webhooks/endpoints/${endpoint.id}/test`);
  await recordThat(context, "webhook_deliveries", delivery, (record) => record.state === "delivered");
  return `#/webhooks/${endpoint.id}`;
}

const more = async (page, item) => {
  await enter(page, page.getByRole("button", { name: "More" }));
  await enter(page, page.getByRole("button", { name: item }));
};

export async function use(page) {
  await enter(page, page.getByRole("button", { name: "Pause" }));
  await page.getByText("Events are held back, and sent when you resume it.").waitFor();
  await inspect(page, "webhook, paused");
  await enter(page, page.getByRole("button", { name: "Resume" }));
  await page.getByRole("button", { name: "Pause" }).waitFor();

  await more(page, "Make a new secret");
  await enter(page, page.getByRole("dialog").getByRole("button", { name: "Make it" }));
  const dialog = page.getByRole("dialog", { name: "A new secret" });
  assert.match(await dialog.getByLabel("Secret").inputValue(), /^whsec_/);
  await enter(page, dialog.getByRole("button", { name: "I have kept it" }));
  await page.getByText("The old secret signs as well until").waitFor();

  await more(page, "Change address or events");
  await tabTo(page, page.getByRole("checkbox", { name: /^Everything/ }));
  await page.keyboard.press("Space");
  await enter(page, page.getByRole("button", { name: "Save changes" }));
  await page.locator(".facts", { hasText: "Everything" }).waitFor();

  await more(page, "Replay what failed");
  await enter(page, page.getByRole("dialog").getByRole("button", { name: "Replay" }));
  await page.getByText("Nothing had failed in that time").waitFor();

  const before = other.got.length;
  const address = page.url();
  await enter(page, page.getByRole("button", { name: "Send a test" }));
  await page.getByText("The other program has answered that it has it.").waitFor();
  assert.ok(other.got.length > before);
  assert.match(other.got.at(-1).headers["webhook-signature"], /^v1,\S+ v1,/, "both secrets sign");

  // It is told of everything now, such as somebody who signs in.
  const elsewhere = await person(page.context().browser());
  await signIn(elsewhere);
  await elsewhere.close();
  await page.goto(address);
  await page.locator("tbody tr", { hasText: "Signed in" }).first().getByText("Delivered").waitFor();
  await settled(page);
  await enter(page, page.getByRole("link", { name: "Signed in" }).first());
  await enter(page, page.getByRole("link", { name: "Signed in" }).last());
  await page.getByRole("region", { name: "Endpoints that are told of it" }).getByText("Delivered").waitFor();
  await inspect(page, "an event that an endpoint is told of");

  await page.goto(address);
  await settled(page);
  await more(page, "Delete");
  await enter(page, page.getByRole("dialog").getByRole("button", { name: "Delete" }));
  await page.getByRole("heading", { level: 1, name: "Webhooks" }).waitFor();
}
