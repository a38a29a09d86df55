// The events that there are, from the document that lists them (`/api/docs/events`). Pure.

/** @typedef {{ name: string, description: string }} EventKind */

/** @param {string} text Markdown, as the program writes it. @returns {EventKind[]} */
export function catalogueOf(text) {
    /** @type {EventKind[]} */
    const found = [];
    const commands = /^### `([a-z_]+\.[a-z_]+)`\n+([^\n]*)/gm;
    for (const [, name, description] of text.matchAll(commands)) found.push({ name, description: description.replace(/ About (a record of|records).*$/, "") });
    for (const [, names, description] of text.matchAll(/^- ((?:`[a-z_]+\.[a-z_]+`(?:, )?)+): ([^\n]*)/gm)) {
        for (const [, name] of names.matchAll(/`([^`]+)`/g)) found.push({ name, description });
    }
    return found;
}

/** The part of a name before the dot. @param {string} name */
export const domainOf = (name) => name.slice(0, name.indexOf("."));

/** Whether a pattern means an event: its name, `domain.*`, or `*`. @param {string} pattern @param {string} name */
export const covers = (pattern, name) => pattern === "*" || pattern === name || (pattern.endsWith(".*") && domainOf(name) === pattern.slice(0, -2));

/** Some patterns with one more, without those that it means already. @param {string[]} patterns @param {string} pattern */
export function withPattern(patterns, pattern) {
    if (patterns.some((known) => covers(known, pattern))) return patterns;
    return [...patterns.filter((known) => !covers(pattern, known)), pattern];
}
