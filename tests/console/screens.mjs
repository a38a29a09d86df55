// One test per screen (screens/*.mjs): it holds in a narrow and a wide window, light and dark, it is used by keyboard alone, and
// leaves no word in the browser's error log.
//
// A screen's file exports `path` (text, or a function of the context that answers one) and `use(page)`, which uses the screen
// with the keyboard; `isOpen` if it is for people who are not signed in; `expected`, texts of errors that `use` provokes.
import { readdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { assertKeyboard, assertQuiet, inspect } from "./checks.mjs";
import { go, launch, open, person, settled, signIn } from "./browser.mjs";

const WIDTHS = [1280, 360];
const SCHEMES = ["light", "dark"];

const folder = new URL("./screens/", import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith(".mjs")).sort();

let browser;
let staff;
before(async () => {
  browser = await launch();
  staff = await person(browser);
  await signIn(staff);
});
after(() => browser.close());

for (const name of names) {
  const screen = await import(new URL(name, folder));
  test(name.replace(".mjs", ""), { timeout: 300_000 }, async () => {
    const context = screen.isOpen ? await person(browser) : staff;
    const path = typeof screen.path === "function" ? await screen.path(context) : screen.path;
    const page = await open(context, `/${path}`, screen.expected);
    for (const width of WIDTHS) {
      for (const scheme of SCHEMES) {
        await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
        await page.setViewportSize({ width, height: width < 600 ? 740 : 900 });
        await settled(page);
        await inspect(page, `${name}, ${width} px, ${scheme}`);
      }
      await assertKeyboard(page, `${name}, ${width} px`);
    }
    await page.setViewportSize({ width: 1280, height: 900 });
    await go(page, path);
    await page.reload();
    await settled(page);
    await screen.use(page);
    await assertQuiet(page);
    await page.close();
    if (screen.isOpen) await context.close();
  });
}
