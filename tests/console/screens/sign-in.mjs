// Signing in: a wrong password is told, the right one leads to where one wanted to go; there is a way for who has forgotten it.
import { settled } from "../browser.mjs";
import { inspect } from "../checks.mjs";
import { enter, type } from "../keyboard.mjs";

export const path = "#/sign-in?to=%2Fpermissions";
export const isOpen = true;
export const expected = ["401"];

export async function use(page) {
  await enter(page, page.getByRole("link", { name: "Forgot your password?" }));
  await page.getByRole("textbox", { name: /mail/i }).waitFor();
  await page.goBack();
  await settled(page);
  await type(page, page.getByLabel("E-mail"), process.env.EMAIL);
  await type(page, page.getByLabel("Password"), "not the password");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").filter({ hasText: /./ }).waitFor();
  await inspect(page, "sign-in, refused");
  await type(page, page.getByLabel("Password"), process.env.PASSWORD);
  await enter(page, page.getByRole("button", { name: "Sign in" }));
  await page.getByRole("heading", { level: 1, name: "Permissions" }).waitFor();
}
