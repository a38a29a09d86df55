// Where the cards and lines of the schema picture go. Pure: the same tables give the same picture. Drawing is in
// `screens/schema-picture.js`.
//
// The way of Sugiyama, made small: a table stands one column to the right of the furthest table it links to, the order
// in a column follows the neighbours' order, and lines run between columns. Tables without any link stand below.

/**
 * @typedef {{ path: string, to: string, isList: boolean }} Link
 * @typedef {{ name: string, fieldCount: number, links: Link[] }} Table
 * @typedef {{ name: string, x: number, y: number, width: number, height: number, fieldCount: number, links: Link[] }} Card
 * @typedef {{ from: string, to: string, path: string, line: string, isList: boolean }} Edge
 * @typedef {{ cards: Card[], edges: Edge[], width: number, height: number }} Picture
 */

export const CARD_WIDTH = 208;
export const HEAD_HEIGHT = 46;
export const ROW_HEIGHT = 22;
const COLUMN_GAP = 72;
const CARD_GAP = 22;
const MARGIN = 24;
/** Passes over the columns; the order has settled well before. */
const PASSES = 12;

/**
 * Columns by links: what links to nothing stands in column 0. A link that leads back into its own chain is left out.
 * @param {Table[]} tables
 * @returns {Map<string, number>}
 */
function columnsOf(tables) {
    const byName = new Map(tables.map((table) => [table.name, table]));
    /** @type {Map<string, number>} */
    const columns = new Map();
    /** @type {Set<string>} */
    const underway = new Set();
    /** @param {Table} table @returns {number} */
    const place = (table) => {
        const known = columns.get(table.name);
        if (known !== undefined) return known;
        underway.add(table.name);
        let column = 0;
        for (const link of table.links) {
            const target = byName.get(link.to);
            if (target && !underway.has(target.name)) column = Math.max(column, place(target) + 1);
        }
        underway.delete(table.name);
        columns.set(table.name, column);
        return column;
    };
    for (const table of tables) place(table);
    return columns;
}

/**
 * @param {Table[]} tables
 * @returns {Map<string, Set<string>>} Who stands in a line with whom, in both directions.
 */
function neighboursOf(tables) {
    const names = new Set(tables.map((table) => table.name));
    /** @type {Map<string, Set<string>>} */
    const neighbours = new Map(tables.map((table) => [table.name, new Set()]));
    for (const table of tables) {
        for (const link of table.links) {
            if (link.to === table.name || !names.has(link.to)) continue;
            neighbours.get(table.name)?.add(link.to);
            neighbours.get(link.to)?.add(table.name);
        }
    }
    return neighbours;
}

/** @param {Table} table */
const heightOf = (table) => HEAD_HEIGHT + table.links.length * ROW_HEIGHT + (table.links.length ? 8 : 0);

/**
 * Splits columns that are much taller than the rest, so that the picture stays wider than high.
 * @param {Table[][]} columns
 */
function balanced(columns) {
    const height = (/** @type {Table[]} */ column) => column.reduce((sum, table) => sum + heightOf(table) + CARD_GAP, 0);
    const total = columns.reduce((sum, column) => sum + height(column), 0);
    const limit = Math.max(560, Math.sqrt(total * (CARD_WIDTH + COLUMN_GAP) * 0.95));
    return columns.flatMap((column) => {
        const parts = Math.max(1, Math.round(height(column) / limit));
        /** @type {Table[][]} */
        const split = Array.from({ length: parts }, () => []);
        let sum = 0;
        for (const table of column) {
            const at = Math.min(parts - 1, Math.floor((sum / height(column)) * parts));
            /** @type {Table[]} */ (split[at]).push(table);
            sum += heightOf(table) + CARD_GAP;
        }
        return split.filter((part) => part.length);
    });
}

/**
 * Orders each column by the middle of its neighbours' places, again and again from both sides.
 * @param {Table[][]} columns
 * @param {Map<string, Set<string>>} neighbours
 */
function order(columns, neighbours) {
    /** @type {Map<string, number>} */
    const place = new Map();
    const note = () => columns.forEach((column) => column.forEach((table, at) => place.set(table.name, (at + 0.5) / column.length)));
    const middle = (/** @type {Table} */ table) => {
        const places = [...(neighbours.get(table.name) ?? [])].map((name) => place.get(name) ?? 0.5);
        return places.length ? places.reduce((sum, one) => sum + one, 0) / places.length : 0.5;
    };
    note();
    for (let pass = 0; pass < PASSES; pass++) {
        const turn = pass % 2 ? [...columns].reverse() : columns;
        for (const column of turn) {
            const middles = new Map(column.map((table) => [table.name, middle(table)]));
            column.sort((a, b) => (middles.get(a.name) ?? 0) - (middles.get(b.name) ?? 0) || a.name.localeCompare(b.name));
            note();
        }
    }
}

/**
 * @param {Table[][]} columns
 * @returns {Card[]}
 */
function stack(columns) {
    const heights = columns.map((column) => column.reduce((sum, table) => sum + heightOf(table) + CARD_GAP, -CARD_GAP));
    const tallest = Math.max(0, ...heights);
    return columns.flatMap((column, at) => {
        let y = MARGIN + (tallest - (heights[at] ?? 0)) / 2;
        return column.map((table) => {
            const card = { ...table, x: MARGIN + at * (CARD_WIDTH + COLUMN_GAP), y, width: CARD_WIDTH, height: heightOf(table) };
            y += card.height + CARD_GAP;
            return card;
        });
    });
}

/**
 * Cards without links, in rows below the picture.
 * @param {Table[]} tables
 * @param {number} top
 * @param {number} columnCount
 * @returns {Card[]}
 */
function shelf(tables, top, columnCount) {
    return tables.map((table, at) => ({
        ...table,
        x: MARGIN + (at % columnCount) * (CARD_WIDTH + COLUMN_GAP),
        y: top + Math.floor(at / columnCount) * (HEAD_HEIGHT + CARD_GAP),
        width: CARD_WIDTH,
        height: HEAD_HEIGHT,
    }));
}

/**
 * A line from the row of the link to the head of the table it leads to.
 * @param {Card} from
 * @param {number} row
 * @param {Card} to
 */
function lineBetween(from, row, to) {
    const y = from.y + HEAD_HEIGHT + (row + 0.5) * ROW_HEIGHT;
    const head = to.y + HEAD_HEIGHT / 2;
    if (from.x === to.x) {
        // To itself or to one above or below: around the right side.
        const side = from.x + from.width;
        const reach = side + (from === to ? 28 : 44);
        return `M${side} ${y} C${reach} ${y} ${reach} ${head} ${side} ${head}`;
    }
    const isLeft = to.x < from.x;
    const start = isLeft ? from.x : from.x + from.width;
    const end = isLeft ? to.x + to.width : to.x;
    const bend = Math.max(40, Math.abs(end - start) / 2) * (isLeft ? -1 : 1);
    return `M${start} ${y} C${start + bend} ${y} ${end - bend} ${head} ${end} ${head}`;
}

/**
 * The picture of these tables. Links to tables that are not among them are left out.
 * @param {Table[]} given
 * @returns {Picture}
 */
export function layOut(given) {
    const names = new Set(given.map((table) => table.name));
    const tables = given
        .map((table) => ({ ...table, links: table.links.filter((link) => names.has(link.to)) }))
        .sort((a, b) => a.name.localeCompare(b.name));
    const neighbours = neighboursOf(tables);
    const isLinked = (/** @type {Table} */ table) => table.links.length > 0 || (neighbours.get(table.name)?.size ?? 0) > 0;
    const linked = tables.filter(isLinked);
    const place = columnsOf(linked);
    /** @type {Table[][]} */
    const columns = [];
    for (const table of linked) (columns[place.get(table.name) ?? 0] ??= []).push(table);
    const filled = columns.filter((column) => column?.length);
    order(filled, neighbours);
    const placed = balanced(filled);
    order(placed, neighbours);
    const cards = stack(placed);
    const bottom = Math.max(MARGIN, ...cards.map((card) => card.y + card.height + 2 * CARD_GAP));
    cards.push(...shelf(tables.filter((table) => !isLinked(table)), bottom, Math.max(3, placed.length)));
    const byName = new Map(cards.map((card) => [card.name, card]));
    const edges = cards.flatMap((card) => card.links.map((link, row) => {
        const to = /** @type {Card} */ (byName.get(link.to));
        return { from: card.name, to: link.to, path: link.path, isList: link.isList, line: lineBetween(card, row, to) };
    }));
    const right = Math.max(0, ...cards.map((card) => card.x + card.width));
    const low = Math.max(0, ...cards.map((card) => card.y + card.height));
    return { cards, edges, width: right + MARGIN + 24, height: low + MARGIN };
}
