// The search over everything: opened, used and closed by keys.
import { inspect } from "../checks.mjs";

export const path = "#/tables";

export async function use(page) {
  await page.keyboard.press("ControlOrMeta+K");
  const box = page.getByRole("combobox", { name: /search/i });
  await box.waitFor();
  await page.keyboard.type("permiss");
  await page.getByRole("option", { name: /Permissions/ }).first().waitFor();
  await inspect(page, "palette");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Permissions" }).waitFor();
  await page.keyboard.press("ControlOrMeta+K");
  await box.waitFor();
  // By its readable key, in a table without a full-text index.
  await page.keyboard.type("dog");
  await page.getByRole("option", { name: /^Dog\W*Species/ }).waitFor();
  await page.keyboard.press("Escape");
  await box.waitFor({ state: "detached" });
}
