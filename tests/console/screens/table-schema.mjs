// The schema of one table: arrow keys turn its tabs.
import { inspect } from "../checks.mjs";
import { tabTo } from "../keyboard.mjs";

export const path = "#/tables/products/schema";

export async function use(page) {
  await tabTo(page, page.getByRole("tab", { name: "Fields" }));
  await page.keyboard.press("ArrowRight");
  await page.getByRole("tab", { name: "Permissions", selected: true }).waitFor();
  await inspect(page, "table-schema, permissions");
  await page.keyboard.press("ArrowRight");
  await page.getByRole("region", { name: "Indexes" }).getByText("products_business_sku").waitFor();
  await inspect(page, "table-schema, indexes");
}
