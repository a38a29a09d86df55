// One's own account: two passwords that differ are told before anything is sent, and the theme changes.
import assert from "node:assert/strict";
import { inspect } from "../checks.mjs";
import { enter, tabTo, type } from "../keyboard.mjs";

export const path = "#/account";

export async function use(page) {
  await type(page, page.getByLabel("Present password"), "whatever it is");
  await type(page, page.getByLabel("New password", { exact: true }), "a longer new password");
  await type(page, page.getByLabel("New password again"), "another one");
  await enter(page, page.getByRole("button", { name: "Change password" }));
  await page.getByText("is not the same as above").waitFor();
  await inspect(page, "account with an error");
  await tabTo(page, page.getByRole("radio", { name: "As the system" }), "Shift+Tab");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
}
