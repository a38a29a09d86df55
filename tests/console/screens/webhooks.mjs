// Endpoints: a bad address is told at its field, a good one is made, its secret is shown once; and sources in the other direction.
import assert from "node:assert/strict";
import { settled } from "../browser.mjs";
import { inspect } from "../checks.mjs";
import { enter, tabTo, type } from "../keyboard.mjs";
import { operate } from "../records.mjs";
import { receiver } from "../receiver.mjs";

export const expected = ["422"];

/** Makes an endpoint first, so that the list has one. */
export async function path(context) {
  await operate(context, "POST", "webhooks/endpoints", { url: (await receiver()).url, events: ["listings.*", "user.registered", "pets.created", "pets.deleted"], description: "The shop's own site" });
  return "#/webhooks";
}

async function addEndpoint(page) {
  await enter(page, page.getByRole("button", { name: "New endpoint" }));
  const form = page.getByRole("dialog", { name: "New endpoint" });
  await type(page, form.getByRole("textbox", { name: "Address" }), "nowhere");
  await enter(page, form.getByRole("button", { name: "Add endpoint" }));
  await form.locator(".field-errors").first().waitFor();
  await inspect(page, "webhooks, a bad address");
  await type(page, form.getByRole("textbox", { name: "Address" }), (await receiver()).url);
  await enter(page, form.locator("summary", { hasText: "Businesses" }));
  await tabTo(page, form.getByRole("checkbox", { name: "All about businesses" }));
  await page.keyboard.press("Space");
  assert.ok(await form.getByRole("checkbox", { name: "Businesses: added" }).isDisabled(), "all means each");
  await type(page, form.getByLabel("Other name or pattern"), "bookings.*");
  await page.keyboard.press("Enter");
  await form.getByRole("button", { name: "Remove bookings.*" }).waitFor();
  await inspect(page, "webhooks, a new endpoint");
  await enter(page, form.getByRole("button", { name: "Add endpoint" }));
}

async function addSource(page) {
  await tabTo(page, page.getByRole("tab", { name: "Told by us" }));
  await page.keyboard.press("ArrowRight");
  await page.waitForURL(/tab=received/);
  await settled(page);
  await enter(page, page.getByRole("button", { name: "New source" }));
  const form = page.getByRole("dialog", { name: "New source" });
  await type(page, form.getByLabel("Name"), "Payments");
  await type(page, form.getByLabel("Key"), "payments");
  await inspect(page, "webhooks, a new source");
  await enter(page, form.getByRole("button", { name: "Add source" }));
}

/** The secret that a dialog shows, which is closed then. */
async function secretOf(page, name) {
  const dialog = page.getByRole("dialog", { name });
  const secret = await dialog.getByLabel("Secret").inputValue();
  await inspect(page, `webhooks, ${name}`);
  await enter(page, dialog.getByRole("button", { name: "I have kept it" }));
  return secret;
}

export async function use(page) {
  await addEndpoint(page);
  assert.match(await secretOf(page, "The endpoint is there"), /^whsec_/);
  await page.getByRole("heading", { name: "Nothing was sent yet" }).waitFor();
  assert.match(await page.locator(".facts").first().innerText(), /All about businesses\s*All about bookings/);
  await enter(page, page.getByRole("link", { name: "Webhooks" }).last());
  await page.locator("tbody tr").nth(1).waitFor();
  await addSource(page);
  assert.match(await secretOf(page, "Payments can send now"), /^whsec_/);
  await page.getByText("/api/v1/webhooks/inbound/payments").waitFor();
  await settled(page);
  await inspect(page, "webhooks, a source");
}
