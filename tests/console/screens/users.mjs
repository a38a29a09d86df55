// All people: found by part of a name, by role, and opened.
import assert from "node:assert/strict";
import { settled } from "../browser.mjs";
import { enter, tabTo, type } from "../keyboard.mjs";

export const path = "#/users";

export async function use(page) {
  const found = () => page.locator("tbody tr").count();
  await page.getByText("200 people with an account").waitFor();
  await type(page, page.getByRole("searchbox"), "clara hoff");
  await page.getByText("1 person found").waitFor();
  await type(page, page.getByRole("searchbox"), "nobody at all");
  await page.getByRole("heading", { name: "Nobody found" }).waitFor();
  await enter(page, page.getByRole("link", { name: "Show everybody" }));
  await page.getByText("200 people with an account").waitFor();
  await tabTo(page, page.getByRole("combobox", { name: "Role" }));
  await page.keyboard.type("Super");
  await page.getByText("1 person found").waitFor();
  await settled(page);
  assert.equal(await found(), 1);
  await enter(page, page.locator(".person"));
  await page.getByRole("heading", { name: "Profile" }).waitFor();
}
