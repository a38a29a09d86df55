// An address without a screen: it says so and leads back.
import { enter } from "../keyboard.mjs";

export const path = "#/nowhere/at/all";

export async function use(page) {
  await page.getByRole("heading", { name: "There is no such page" }).waitFor();
  await enter(page, page.getByRole("link", { name: "To the overview" }));
  await page.waitForURL(/#\/$/);
}
