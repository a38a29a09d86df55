// The setup link after it has done its work: it says so and leads to the sign-in. The first use is in walk.mjs.
import { inspect } from "../checks.mjs";
import { enter, type } from "../keyboard.mjs";

export const path = "#setup=used-up";
export const isOpen = true;
export const expected = ["401", "403", "410", "409"];

export async function use(page) {
  await type(page, page.getByLabel(/^Your name/), "Second Owner");
  await type(page, page.getByLabel(/^E-mail/), "second@test.example");
  await type(page, page.getByLabel(/^Password/), "correct horse battery");
  await enter(page, page.getByRole("button", { name: "Make the account" }));
  await page.getByRole("alert").filter({ hasText: /./ }).waitFor();
  await inspect(page, "setup, refused");
}
