// The start page: its numbers are there, and Enter on the latest record opens it.
import assert from "node:assert/strict";
import { settled } from "../browser.mjs";
import { enter, tabTo } from "../keyboard.mjs";

export const path = "#/";

export async function use(page) {
  const people = await page.locator(".tile", { hasText: "People" }).innerText();
  assert.match(people, /\b200\b/);
  await enter(page, page.getByRole("button", { name: "Refresh" }));
  const latest = page.locator(".feed-line").first();
  const label = await latest.locator(".feed-table").innerText();
  await tabTo(page, latest);
  await page.keyboard.press("Enter");
  await page.waitForURL(/#\/tables\/[a-z_]+\/./);
  await settled(page);
  assert.match(await page.locator(".crumbs").innerText(), new RegExp(label));
}
