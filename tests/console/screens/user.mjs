// One person: suspended with a reason, reinstated, given a role; each shows in what happened.
import { inspect } from "../checks.mjs";
import { settled } from "../browser.mjs";
import { enter, tabTo, type } from "../keyboard.mjs";
import { recordsOf } from "../records.mjs";

export const path = async (context) => `#/users/${(await recordsOf(context, "users", "email=customer1@example.com"))[0].id}`;

export async function use(page) {
  await enter(page, page.getByRole("button", { name: "Suspend" }));
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  await inspect(page, "user, about to be suspended");
  await type(page, dialog.getByRole("textbox", { name: "Reason" }), "Sold what was not theirs");
  await enter(page, dialog.getByRole("button", { name: "Suspend" }));
  await page.getByRole("heading", { name: "This account is suspended" }).waitFor();
  await page.locator(".trail", { hasText: "“Sold what was not theirs”" }).waitFor();
  await settled(page);
  await inspect(page, "user, suspended");
  await enter(page, page.getByRole("button", { name: "Reinstate" }));
  await enter(page, page.getByRole("dialog").getByRole("button", { name: "Reinstate" }));
  await page.getByRole("button", { name: "Suspend" }).waitFor();
  await tabTo(page, page.getByRole("checkbox", { name: /^Courier/ }));
  await page.keyboard.press("Space");
  await enter(page, page.getByRole("button", { name: "Save roles" }));
  await page.locator(".trail", { hasText: "changed the roles of" }).waitFor();
  await page.getByRole("button", { name: "Save roles" }).waitFor({ state: "detached" });
}
