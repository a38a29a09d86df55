// The trail: a change made before is found by its table, and unfolds to what was and what is.
import assert from "node:assert/strict";
import { forgeryHeader, settled } from "../browser.mjs";
import { inspect } from "../checks.mjs";
import { enter, tabTo } from "../keyboard.mjs";
import { recordsOf } from "../records.mjs";

/** Changes something first, so that there is a trail. */
export async function path(context) {
  const [breed] = await recordsOf(context, "breeds");
  const reply = await context.request.patch(`/api/admin/breeds/${breed.id}`, { headers: await forgeryHeader(context), data: { name: `${breed.name}, renamed` } });
  assert.ok(reply.ok(), `${reply.status()} ${await reply.text()}`);
  return "#/audit";
}

export async function use(page) {
  await tabTo(page, page.getByRole("combobox", { name: "Table" }));
  await page.keyboard.type("Breeds");
  await page.waitForURL(/table=breeds/);
  await settled(page);
  const entry = page.locator("summary.trail-line").first();
  assert.match(await entry.innerText(), /changed[\s\S]*, renamed[\s\S]*in Breeds/);
  await enter(page, entry);
  assert.match(await page.locator(".changes .is").first().innerText(), /, renamed$/);
  await inspect(page, "audit, unfolded");
  await enter(page, page.getByRole("button", { name: "Today" }));
  await page.waitForURL(/from=/);
  await settled(page);
  await entry.waitFor();
  await enter(page, page.getByRole("link", { name: "Clear" }));
  await page.waitForURL(/#\/audit$/);
}
