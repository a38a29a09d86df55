// The records of a table: searched, sorted, turned to the next page, selected, opened.
import assert from "node:assert/strict";
import { settled } from "../browser.mjs";
import { enter, tabTo, type } from "../keyboard.mjs";

export const path = "#/tables/products";

export async function use(page) {
  const names = () => page.locator("tbody th").allInnerTexts();
  await enter(page, page.getByRole("button", { name: "Name", exact: true }));
  await page.waitForURL(/sort=name/);
  await page.locator("th[aria-sort=ascending]").waitFor();
  await settled(page);
  const first = await names();
  assert.equal(first.length, 20);
  await enter(page, page.getByRole("button", { name: "Next" }));
  await page.getByText("21–40 of").waitFor();
  await settled(page);
  assert.ok((await names())[0] > first[0], "the second page follows the first");
  await page.reload();
  await settled(page);
  await tabTo(page, page.getByRole("checkbox").nth(1));
  await page.keyboard.press("Space");
  await page.getByText("1 selected").waitFor();
  await type(page, page.getByRole("searchbox", { name: "Search products" }), "salmon");
  await page.waitForURL(/q=salmon/);
  const record = page.locator("tbody th a", { hasText: /salmon/i }).first();
  await record.waitFor();
  await settled(page);
  const label = await record.innerText();
  await enter(page, record);
  await page.getByRole("heading", { level: 1, name: label }).waitFor();
}
