// What has happened: found by a pattern of names and by record, with what was done about it, and kept fresh without losing the focus.
import assert from "node:assert/strict";
import { person, settled, signIn } from "../browser.mjs";
import { enter, type } from "../keyboard.mjs";

export const path = "#/events";

export async function use(page) {
  const rows = page.locator("tbody tr");
  const names = () => page.locator("tbody th").allInnerTexts();
  await type(page, page.getByRole("combobox", { name: "What" }), "bookings.*");
  await page.waitForURL(/name=bookings\.\*/);
  await settled(page);
  assert.deepEqual(await names(), ["Bookings: cancelled", "Bookings: moved"]);
  assert.match(await rows.nth(1).innerText(), /Dog[\s\S]*3 given up[\s\S]*1 running[\s\S]*1 done[\s\S]*1 dropped/);
  await type(page, page.getByRole("combobox", { name: "What" }), "nothing.like.this");
  await page.getByRole("heading", { name: "Nothing found" }).waitFor();
  await enter(page, page.getByRole("link", { name: "Clear" }));
  await page.waitForURL(/#\/events$/);
  await settled(page);

  // Somebody signs in elsewhere: it appears by itself, and the focus stays where it was.
  const link = page.locator("tbody th a").first();
  const newest = await link.getAttribute("href");
  await link.focus();
  const elsewhere = await person(page.context().browser());
  await signIn(elsewhere);
  await elsewhere.close();
  await page.waitForFunction((before) => document.querySelector("tbody th a").getAttribute("href") !== before, newest);
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("href")), newest);

  await page.getByLabel("Table of the record").selectOption("species");
  const box = page.getByRole("combobox", { name: "About" });
  await box.click();
  // Enter before the answer is there means the first record of the answer, not of the list before.
  await page.locator(".picker-list li", { hasText: "Bird" }).waitFor();
  await page.keyboard.type("Dog");
  await page.keyboard.press("Enter");
  await page.waitForURL(/about=species%3Adog/);
  await settled(page);
  assert.equal(await rows.count(), 2);
  await enter(page, page.getByRole("link", { name: "Bookings: moved" }));
  await page.getByRole("heading", { level: 1, name: "Bookings: moved" }).waitFor();
}
