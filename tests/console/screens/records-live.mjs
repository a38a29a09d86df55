// A list while others change it: a row changes in its place and is marked, what is new is counted and does not jump in, what is
// deleted stays until one loads again. A list that cannot be followed says so.
import assert from "node:assert/strict";
import { go, settled } from "../browser.mjs";
import { inspect } from "../checks.mjs";
import { enter } from "../keyboard.mjs";
import { operate } from "../records.mjs";

const NAMES = ["axolotl", "alpaca", "aardvark"];

/** Records of this test alone, at the beginning of the list. */
export async function path(context) {
  for (const name of NAMES) await operate(context, "POST", "species", { id: `live_${name}`, name: `Aa ${name}` });
  return "#/tables/species?name[starts]=Aa&sort=name";
}

export async function use(page) {
  const context = page.context();
  const rows = page.locator("tbody tr");
  const names = async () => (await page.locator("tbody th a").allInnerTexts()).join(", ");
  await page.locator(".live-mark.is-live").waitFor();
  await settled(page);
  assert.equal(await names(), "Aa aardvark, Aa alpaca, Aa axolotl");

  await operate(context, "PATCH", "species/live_alpaca", { name: "Aa zebra" });
  await rows.nth(1).getByText("changed elsewhere").waitFor();
  assert.equal(await names(), "Aa aardvark, Aa zebra, Aa axolotl");

  await operate(context, "POST", "species", { id: "live_aal", name: "Aa aal" });
  await operate(context, "POST", "species", { id: "live_other", name: "Something else" });
  await operate(context, "DELETE", "species/live_axolotl");
  await operate(context, "PATCH", "species/live_aardvark", { name: "Bear" });
  await rows.nth(2).getByText("deleted elsewhere").waitFor();
  await rows.nth(0).getByText("not in this list any more").waitFor();
  assert.equal(await rows.count(), 3);
  await inspect(page, "records, changed by others");
  await page.setViewportSize({ width: 360, height: 740 });
  await inspect(page, "records, changed by others, 360 px");
  await page.setViewportSize({ width: 1280, height: 900 });

  await enter(page, page.getByRole("button", { name: "1 new record: show" }));
  await page.getByRole("link", { name: "Aa aal" }).waitFor();
  await settled(page);
  assert.equal(await names(), "Aa aal, Aa zebra");
  assert.equal(await page.locator(".row-mark").count(), 0);

  await go(page, "#/tables/products?q=salmon");
  await page.locator(".live-mark", { hasText: "Not live" }).waitFor();
  for (const name of ["alpaca", "aardvark", "aal", "other"]) await operate(context, "DELETE", `species/live_${name}`);
}
