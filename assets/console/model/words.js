// Names of the schema as words. Pure.

/** Names as words: `product_categories` → `Product categories`. @param {string} name */
export function words(name) {
    const text = name.replace(/^.*\./, "").replace(/_(g|kg|ml|min|s|ms|h|mb|bytes|cm|km)$/, " ($1)").replace(/_/g, " ").trim();
    return text.replace(/^is /, "").replace(/\b(id|ip|sku|url|vat|iban)\b/gi, (short) => short.toUpperCase()).replace(/^./, (first) => first.toUpperCase());
}
/** The heading of a field: `price.minor` → `Price minor`. @param {string} path */
export const fieldWords = (path) => path.split(".").filter((part) => part !== "*")
    .map((part, index) => (index ? words(part).replace(/^[A-Z](?=[a-z])/, (first) => first.toLowerCase()) : words(part))).join(" ");
